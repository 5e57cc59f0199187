//! The files that are made from code: rule pages, the CLI reference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use coaming_args::Arguments;

/// Writes all generated files; rule pages without a rule are removed.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    for stale in stale_pages(root)? {
        std::fs::remove_file(&stale).map_err(|error| failed(&stale, &error))?;
    }
    for (path, text) in generated(root)? {
        let path = root.join(path);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

/// Fails if a generated file is not what would be written.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let mut stale: Vec<PathBuf> = stale_pages(root)?;
    for (path, text) in generated(root)? {
        let path = root.join(path);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            stale.push(path);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = stale
        .iter()
        .map(|path| path.strip_prefix(root).unwrap_or(path).display().to_string())
        .collect();
    Err(format!("not up to date, run `cargo xtask generate`: {}", names.join(", ")))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Rule pages on disk that no rule has any more.
fn stale_pages(root: &Path) -> Result<Vec<PathBuf>, String> {
    let known = generated(root)?;
    let directory = Path::new("docs/rules");
    Ok(std::fs::read_dir(root.join(directory))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| directory.join(entry.file_name()))
        .filter(|page| !known.contains_key(page))
        .map(|page| root.join(page))
        .collect())
}

/// All generated files, by their path in the repository.
fn generated(root: &Path) -> Result<BTreeMap<PathBuf, String>, String> {
    let mut files = BTreeMap::new();
    let mut index = String::from(
        "# Rules\n\n| rule | category | severity | default | what |\n|---|---|---|---|---|\n",
    );
    for meta in coaming_scan::all_rules() {
        let default = if meta.default { "on" } else { "off" };
        index += &format!(
            "| [{name}]({name}.md) | {} | {} | {default} | {} |\n",
            meta.category,
            meta.severity,
            meta.summary,
            name = meta.id,
        );
        let page = PathBuf::from(format!("docs/rules/{}.md", meta.id));
        files.insert(page, coaming_report::rule_pages::page(meta));
    }
    files.insert(PathBuf::from("docs/rules/README.md"), index);
    files.insert(PathBuf::from("docs/cli.md"), cli_reference());
    files.insert(PathBuf::from("docs/scan.svg"), picture(root)?);
    let manifests = coaming_serve::manifests(&coaming_serve::ManifestOptions::default());
    let manifests = manifests.map_err(|error| error.to_string())?;
    files.insert(PathBuf::from("deploy/admission.yaml"), manifests);
    let images = PathBuf::from("docs/images.md");
    let text = with_generated_part(&root.join(&images), "ecosystems", &ecosystems())?;
    files.insert(images, text);
    for definition in coaming_vault::definitions() {
        let value = serde_json::to_value(&definition).map_err(|error| error.to_string())?;
        let name = definition.metadata.name.unwrap_or_default();
        let document = coaming_yaml::from_json(&value);
        let text = coaming_yaml::edit::Value::from(document.root()).to_yaml();
        files.insert(PathBuf::from(format!("deploy/crds/{name}.yaml")), text);
    }
    let schema = coaming_config::schema();
    files.insert(PathBuf::from("docs/coaming.schema.json"), format!("{schema:#}\n"));
    let dependencies = crate::dependencies::page(root)?;
    files.insert(PathBuf::from("docs/dependencies.md"), dependencies);
    for (name, schema) in coaming_contract::schemas() {
        let file = PathBuf::from(format!("docs/schemas/{name}.schema.json"));
        files.insert(file, format!("{schema:#}\n"));
    }
    Ok(files)
}

/// Which packages are found in images, as a table.
fn ecosystems() -> String {
    let mut table = String::from("| ecosystem | read from | left out |\n|---|---|---|\n");
    for ecosystem in coaming_image::ecosystems() {
        let cells = [ecosystem.name, ecosystem.reads, ecosystem.leaves_out];
        table += &format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |");
    }
    table
}

/// A document with this text between the two comments that mark a generated part.
fn with_generated_part(path: &Path, part: &str, text: &str) -> Result<String, String> {
    let document = std::fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    let (start, end) =
        (format!("<!-- generated: {part} -->\n"), format!("<!-- end of generated: {part} -->\n"));
    let parts = document.split_once(&start).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some([before, &start, "\n", text, "\n", &end, after].concat())
    });
    parts.ok_or_else(|| format!("{}: the marks of `{part}` are missing", path.display()))
}

/// What the README shows: the worst of the example, as a terminal shows it.
fn picture(root: &Path) -> Result<String, String> {
    let output = crate::cargo()
        .args(["run", "--quiet", "--package", "coaming", "--", "scan", "--color", "always"])
        .args(["--min-severity", "high", "examples/shop/database.yaml", "examples/shop/agent.yaml"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let prompt = "$ coaming scan --min-severity high examples/shop\n\n";
    Ok(anstyle_svg::Term::new().render_svg(&format!("{prompt}{text}")))
}

/// The `--help` of every command.
fn cli_reference() -> String {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let mut text = String::from("# Command line\n\nWhat `coaming help` shows.\n");
    let mut queue = vec![command];
    while let Some(mut command) = queue.pop() {
        if command.is_hide_set() || command.get_name() == "help" {
            continue;
        }
        let name = command.get_bin_name().unwrap_or("coaming").to_owned();
        let help = command.render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        text += &format!("\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end());
        let below: Vec<_> = command.get_subcommands().cloned().collect();
        queue.extend(below.into_iter().rev());
    }
    text
}
