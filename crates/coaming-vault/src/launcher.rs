//! The launcher, `coaming-launch`, where containers of a pod find it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use crate::LauncherConfig;

/// The name of the launcher's file in its directory.
pub(crate) const FILE: &str = "coaming-launch";

impl LauncherConfig {
    /// Copies the launcher into its directory, where every user may execute it.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn install(&self) -> io::Result<()> {
        let path = self.directory.join(FILE);
        let program = fs::read(&self.program)?;
        // An agent that starts again leaves it alone: a container may just be starting by it.
        if fs::read(&path).is_ok_and(|there| there == program) {
            return Ok(());
        }
        let temporary = self.directory.join(format!("..{FILE}-{:016x}", fastrand::u64(..)));
        let installed = fs::write(&temporary, &program)
            .and_then(|()| fs::set_permissions(&temporary, fs::Permissions::from_mode(0o555)))
            .and_then(|()| fs::rename(&temporary, &path));
        if installed.is_err() {
            drop(fs::remove_file(&temporary));
        }
        installed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launcher_is_installed_once() {
        let directory = tempfile::tempdir().unwrap();
        let [program, volume] = ["program", "volume"].map(|name| directory.path().join(name));
        fs::create_dir(&volume).unwrap();
        fs::write(&program, "#!/bin/sh\nexit 3\n").unwrap();
        let launcher = LauncherConfig { program: program.clone(), directory: volume.clone() };
        launcher.install().unwrap();
        let status = std::process::Command::new(volume.join(FILE)).status().unwrap();
        assert_eq!(status.code(), Some(3));
        let changed = || fs::metadata(volume.join(FILE)).unwrap().modified().unwrap();
        let before = changed();
        launcher.install().unwrap();
        assert_eq!(changed(), before);
        fs::write(&program, "#!/bin/sh\nexit 4\n").unwrap();
        launcher.install().unwrap();
        let status = std::process::Command::new(volume.join(FILE)).status().unwrap();
        assert_eq!(status.code(), Some(4), "another program replaces it");
        fs::remove_file(&program).unwrap();
        launcher.install().unwrap_err();
        assert_eq!(fs::read_dir(&volume).unwrap().count(), 1);
    }
}
