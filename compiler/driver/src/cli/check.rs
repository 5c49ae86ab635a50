//! `ein check`: is a program right?

use crate::cli::{Failure, say};
use clap::Args;
use ein::{Compiler, Error, Program};
use std::path::{Path, PathBuf};

/// Check programs without running them
#[derive(Args)]
#[command(after_help = "Examples:
  ein check examples/conv2d/conv2d.ein
  ein check --checks examples")]
pub(crate) struct Check {
    /// The programs; of a folder, every .ein file below it
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print what each definition checks of its sizes when it is called
    #[arg(long)]
    checks: bool,
    /// Refuse what would be checked so, unless the definition states it: by `where`, or as the bound of a dim
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(crate) fn execute(self, colours: bool) -> Result<(), Failure> {
        let mut failed: Option<Error> = None;
        for named in &self.files {
            for file in programs(named)? {
                let result = Compiler::new().threads(1).compile_file(&file).and_then(|program| {
                    if self.strict {
                        program.check_strict()?
                    } else {
                        program.check_all()?
                    }
                    if self.checks { entry_checks(&program) } else { Ok(String::new()) }
                });
                match result {
                    Ok(checks) => say(&format!("{}: ok\n{checks}", file.display())),
                    // The last one is shown by the caller; those before it now, in the order of the files.
                    Err(error) => {
                        if let Some(earlier) = failed.replace(error) {
                            say(&earlier.render(colours));
                        }
                    }
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// The file itself, or the programs below a folder in the order of their paths. Links to folders are not followed.
fn programs(named: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_dir() {
        return Ok(vec![named.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![named.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |e: std::io::Error| {
            let reason = ein_runtime::io::describe(&e);
            Failure::from(ein_runtime::Error::FileUnreadable { path: folder.clone(), reason })
        };
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            if entry.file_type().map_err(unreadable)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "ein") {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        let reason = "no .ein file is below it".to_owned();
        return Err(ein_runtime::Error::FileUnreadable { path: named.to_owned(), reason }.into());
    }
    found.sort();
    Ok(found)
}

/// The conditions on sizes of every definition, a line each.
fn entry_checks(program: &Program) -> Result<String, Error> {
    let mut out = String::new();
    for name in program.defs() {
        for check in program.def(name)?.entry_checks() {
            out.push_str(&format!("  {name}: {check}\n"));
        }
    }
    Ok(out)
}
