//! `template CHART [VALUES…]`: prints what `helm template` prints.
fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = std::path::PathBuf::from(arguments.next().unwrap());
    let mut files = Vec::new();
    let mut pending = vec![root.clone()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    let values = arguments
        .map(|name| {
            coaming_helm::Values::File(name.clone(), std::fs::read_to_string(&name).unwrap().into())
        })
        .collect();
    let options = coaming_helm::Options { values, ..coaming_helm::Options::default() };
    match coaming_helm::render(files, &options) {
        Ok(rendered) => print!("{}", rendered.text()),
        Err(error) => {
            eprintln!("Error: {error} {error:?}");
            std::process::exit(1)
        }
    }
}
