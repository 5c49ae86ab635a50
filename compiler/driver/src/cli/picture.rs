//! `--svg` and `--html`: where pictures of a plan go.

use crate::cli::Failure;
use clap::Args;
use ein::{Picture, io};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Options of commands that show a plan.
#[derive(Args)]
pub(crate) struct PictureOptions {
    /// Draw the tree of the plan; - is standard output, and nothing else goes there then
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write one page with tree, steps, memory, rules and kernels, which opens without a network; - is standard output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl PictureOptions {
    pub(crate) fn are_asked_for(&self) -> bool {
        self.svg.is_some() || self.html.is_some()
    }

    /// Writes what is asked for, every file or none if something cannot be written, and to standard output `words`, unless a picture goes
    /// there.
    pub(crate) fn write(&self, picture: &Picture, words: &str) -> Result<(), Failure> {
        if self.svg.is_some() && self.svg == self.html {
            return Err(Failure::Usage("--svg and --html name the same file".to_owned()));
        }
        let svg = self.svg.as_ref().map(|path| (path, picture.svg()));
        let html = self.html.as_ref().map(|path| (path, picture.html()));
        let (out, files): (Vec<_>, Vec<_>) = svg.into_iter().chain(html).partition(|(path, _)| is_standard_output(path));
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_path(), text.as_str())).collect();
        io::save_together(&files, || {
            let mut stdout = std::io::stdout();
            let words = out.first().map_or(words, |(_, picture)| picture);
            stdout.write_all(words.as_bytes())?;
            Ok(stdout.flush()?)
        })
    }
}

fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}
