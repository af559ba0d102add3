use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Ftrl, FtrlError, FtrlSettings};
use crate::atomic;

/// A model that is on the disk whenever it has learnt.
#[derive(Debug)]
pub struct FtrlFile {
    path: PathBuf,
    model: Ftrl,
}

impl FtrlFile {
    /// Goes on with the model in `path`, or begins one.
    ///
    /// # Errors
    /// If there is a file that is no such model, or one of other features; it is left as it is.
    pub fn open(
        path: &Path,
        settings: FtrlSettings,
        names: Vec<String>,
    ) -> Result<Self, FtrlError> {
        let model = match fs::read_to_string(path) {
            Ok(text) => Ftrl::parse(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ftrl::new(settings, names.clone())?
            }
            Err(source) => return Err(FtrlError::Io { path: path.to_owned(), source }),
        };
        if model.names != names {
            return Err(FtrlError::Format(format!("it is of features {}", model.names.join(", "))));
        }
        Ok(Self { path: path.to_owned(), model })
    }

    /// The model as it is now.
    pub const fn model(&self) -> &Ftrl {
        &self.model
    }

    /// Learns from one row, and writes the model before it answers.
    ///
    /// # Errors
    /// As [`Ftrl::update`], or if it cannot be written: nothing is learnt then. If only its folder
    /// cannot be made durable, it is learnt, and may be lost when the machine stops.
    pub fn update(&mut self, row: &[f64], label: bool) -> Result<(), FtrlError> {
        let mut learnt = self.model.clone();
        learnt.update(row, label)?;
        let text = learnt.text()?;
        let io = |source: io::Error| FtrlError::Io { path: self.path.clone(), source };
        atomic::write(&self.path, |file| file.write_all(text.as_bytes())).map_err(io)?;
        self.model = learnt;
        atomic::sync_folder(self.path.parent().unwrap_or(Path::new(""))).map_err(io)
    }
}
