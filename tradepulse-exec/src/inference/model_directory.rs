//! The versions of a model in a folder: each there whole or not at all, one of them served.
//!
//! ```text
//! models/
//!     serving.json              the version that is served, and those that were before it
//!     7/                        a version
//!         model.txt
//!         model.manifest.json
//!         training.json         how it was trained, where that is known
//! ```
//!
//! [`publish`](ModelDirectory::publish) writes a version under another name, makes it durable, asks
//! it its golden sample, renames it, and only then has `serving.json` replaced: whatever dies on the
//! way, the version before is served, and the next start finds nothing half done. Versions are never
//! written again. The newest five are kept, and always the one that is served and the one before it.
//!
//! [`load`](ModelDirectory::load) passes over versions that are damaged, and says so.

mod error;
mod files;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tradepulse_core::inference::{FeatureRegistry, Manifest};

use super::bundle::{self, Bundle, BundleError, Flags, manifest_path};
use crate::atomic::UNFINISHED;
pub use error::ModelDirectoryError;
use files::{Disk, Files};

/// How many versions are kept.
pub const KEPT_VERSIONS: usize = 5;

const POINTER: &str = "serving.json";
const MANIFEST: &str = "model.manifest.json";
const TRAINING: &str = "training.json";
const LOCK: &str = ".lock";

/// A folder of a model's versions.
#[derive(Clone)]
pub struct ModelDirectory {
    path: PathBuf,
    files: Arc<dyn Files>,
}

impl std::fmt::Debug for ModelDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ModelDirectory").field(&self.path).finish()
    }
}

/// What becomes a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// The bytes of the model's file.
    pub model: Vec<u8>,
    /// The extension of its name, which says what kind of model it is.
    pub extension: String,
    /// What belongs to it. Its version and file name are set when it is published.
    pub manifest: Manifest,
    /// How it was trained, JSON.
    pub training: Option<String>,
}

impl Publication {
    /// The model in `file`, with the manifest beside it or by `flags`, checked.
    ///
    /// # Errors
    /// If it is not what its manifest says.
    pub async fn of_file(
        file: &Path,
        flags: Option<&Flags>,
        registry: &FeatureRegistry,
    ) -> Result<Self, BundleError> {
        let bundle = bundle::load(file, flags, registry).await?;
        let model =
            fs::read(file).map_err(|source| BundleError::Read { path: file.to_owned(), source })?;
        let extension = file.extension().map(|word| word.to_string_lossy().into_owned());
        let extension = extension.unwrap_or_else(|| "txt".to_owned());
        Ok(Self { model, extension, manifest: bundle.manifest().clone(), training: None })
    }
}

/// A version that is served.
#[derive(Debug)]
pub struct Served {
    /// The model.
    pub bundle: Bundle,
    /// What is wrong in the folder, and was passed over.
    pub warnings: Vec<String>,
}

/// A version in the folder.
#[derive(Debug)]
pub struct Version {
    /// Its number, from 1.
    pub number: u64,
    /// Whether `serving.json` names it.
    pub serving: bool,
    /// The model, or why it cannot be served.
    pub model: Result<Bundle, ModelDirectoryError>,
}

/// What `serving.json` holds.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Serving {
    /// The version that is served, then those that were before it, the latest first.
    versions: Vec<u64>,
}

impl ModelDirectory {
    /// The folder at `path`, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), files: Arc::new(Disk) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes `new` the version that is served, under the next number.
    ///
    /// # Errors
    /// If it cannot be written or read back; what was served before is served then.
    pub async fn publish(
        &self,
        new: Publication,
        registry: &FeatureRegistry,
    ) -> Result<Bundle, ModelDirectoryError> {
        self.publish_if(new, registry, |_| true).await
    }

    /// As [`publish`](Self::publish), but only while [`named`](Self::named) is still what it was.
    ///
    /// # Errors
    /// As there, or [`ModelDirectoryError::Moved`]: another version was published or rolled back to
    /// in the meantime, by whichever process, and is served.
    pub async fn publish_over(
        &self,
        named: Option<u64>,
        new: Publication,
        registry: &FeatureRegistry,
    ) -> Result<Bundle, ModelDirectoryError> {
        self.publish_if(new, registry, |now| now == named).await
    }

    async fn publish_if(
        &self,
        new: Publication,
        registry: &FeatureRegistry,
        wanted: impl FnOnce(Option<u64>) -> bool,
    ) -> Result<Bundle, ModelDirectoryError> {
        self.files.create_folder(&self.path).map_err(|e| self.io(&self.path, e))?;
        let _lock = self.lock()?;
        let named = self.named();
        if !wanted(named) {
            return Err(ModelDirectoryError::Moved { named });
        }
        self.clean()?;
        let numbers = self.numbers()?;
        let mut serving = self.serving().unwrap_or_default();
        serving.versions.retain(|number| numbers.contains(number));
        let named = serving.versions.iter().chain(&numbers).max();
        let number = named.copied().unwrap_or(0).saturating_add(1);

        let unfinished = self.unfinished(&number.to_string());
        let folder = self.folder(number);
        let file = format!("model.{}", new.extension);
        let manifest = Manifest { version: number, file: file.clone(), ..new.manifest };
        let json = manifest.to_json().map_err(BundleError::from)?;
        let training = new.training.iter().map(|text| (TRAINING, text.as_bytes()));
        self.files.create_folder(&unfinished).map_err(|e| self.io(&unfinished, e))?;
        let parts = [(&*file, &*new.model), (MANIFEST, json.as_bytes())].into_iter();
        for (name, bytes) in parts.chain(training) {
            let path = unfinished.join(name);
            self.files.write(&path, bytes).map_err(|e| self.io(&path, e))?;
        }
        let bundle = bundle::load(&unfinished.join(&file), None, registry).await?;
        self.sync(&unfinished)?;
        self.files.rename(&unfinished, &folder).map_err(|e| self.io(&folder, e))?;
        self.sync(&self.path)?;
        serving.versions.insert(0, number);
        self.point(&serving)?;
        // What could not be removed is with the next version.
        let _ = self.prune(&serving);
        Ok(bundle)
    }

    /// Loads the version that is served. One that is damaged is passed over for the one that was
    /// served before it.
    ///
    /// # Errors
    /// If there is none that can be served.
    pub async fn load(&self, registry: &FeatureRegistry) -> Result<Served, ModelDirectoryError> {
        let numbers = self.numbers()?;
        if numbers.is_empty() {
            return Err(ModelDirectoryError::Empty { path: self.path.clone() });
        }
        let mut warnings = Vec::new();
        let candidates = match self.serving() {
            Ok(serving) if !serving.versions.is_empty() => serving.versions,
            found => {
                let why = found.err().map_or("it names none".to_owned(), |error| error.to_string());
                warnings.push(format!("{POINTER} does not say what is served: {why}"));
                numbers.iter().rev().copied().collect()
            }
        };
        for number in candidates {
            match self.read(number, registry).await {
                Ok(bundle) => {
                    return Ok(Served { bundle, warnings });
                }
                Err(error) => {
                    warnings.push(format!("version {number} is not served: {}", chain(&error)));
                }
            }
        }
        Err(ModelDirectoryError::NoneLoads { path: self.path.clone(), why: warnings.join("; ") })
    }

    /// Serves the version that was served before, or `to`, from now on, and says which one that is.
    ///
    /// # Errors
    /// If there is none before, `to` is not there, or it cannot be served: nothing changes then.
    pub async fn rollback(
        &self,
        to: Option<u64>,
        registry: &FeatureRegistry,
    ) -> Result<Bundle, ModelDirectoryError> {
        if self.numbers()?.is_empty() {
            return Err(ModelDirectoryError::Empty { path: self.path.clone() });
        }
        let _lock = self.lock()?;
        self.clean()?;
        let numbers = self.numbers()?;
        let mut serving = self.serving()?;
        let before = || serving.versions.iter().skip(1).copied().find(|n| numbers.contains(n));
        let number = match to {
            Some(number) if numbers.contains(&number) => number,
            Some(number) => {
                let there = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                return Err(ModelDirectoryError::NoVersion { number, there });
            }
            None => before().ok_or(ModelDirectoryError::NothingBefore)?,
        };
        let bundle = self.read(number, registry).await?;
        match serving.versions.iter().position(|served| *served == number) {
            Some(at) => drop(serving.versions.drain(..at)),
            None => serving.versions.insert(0, number),
        }
        self.point(&serving)?;
        Ok(bundle)
    }

    /// All versions, the newest first, each checked.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub async fn versions(
        &self,
        registry: &FeatureRegistry,
    ) -> Result<Vec<Version>, ModelDirectoryError> {
        let serving = self.serving().unwrap_or_default().versions.first().copied();
        let mut versions = Vec::new();
        for number in self.numbers()?.into_iter().rev() {
            let model = self.read(number, registry).await;
            versions.push(Version { number, serving: serving == Some(number), model });
        }
        Ok(versions)
    }

    /// The version that `serving.json` names.
    pub fn named(&self) -> Option<u64> {
        self.serving().ok()?.versions.first().copied()
    }

    async fn read(
        &self,
        number: u64,
        registry: &FeatureRegistry,
    ) -> Result<Bundle, ModelDirectoryError> {
        let folder = self.folder(number);
        let about = folder.join(MANIFEST);
        let text = fs::read_to_string(&about).map_err(|e| self.io(&about, e))?;
        let manifest = Manifest::parse(&text).map_err(BundleError::from)?;
        if manifest.version != number {
            return Err(ModelDirectoryError::Swapped { folder, found: manifest.version });
        }
        let file = folder.join(&manifest.file);
        if manifest_path(&file) != about {
            return Err(ModelDirectoryError::File { folder, found: manifest.file });
        }
        Ok(bundle::load(&file, None, registry).await?)
    }

    fn serving(&self) -> Result<Serving, ModelDirectoryError> {
        let path = self.path.join(POINTER);
        let text = fs::read_to_string(&path).map_err(|e| self.io(&path, e))?;
        serde_json::from_str(&text).map_err(|e| self.io(&path, e.into()))
    }

    /// Replaces `serving.json`.
    fn point(&self, serving: &Serving) -> Result<(), ModelDirectoryError> {
        let (path, unfinished) = (self.path.join(POINTER), self.unfinished(POINTER));
        let written = serde_json::to_vec(serving).map_err(io::Error::from);
        written
            .and_then(|bytes| self.files.write(&unfinished, &bytes))
            .and_then(|()| self.files.rename(&unfinished, &path))
            .map_err(|e| self.io(&path, e))?;
        self.sync(&self.path)
    }

    /// Removes what is older than the versions that are kept.
    fn prune(&self, serving: &Serving) -> Result<(), ModelDirectoryError> {
        let numbers = self.numbers()?;
        let newest = numbers.iter().rev().take(KEPT_VERSIONS);
        let kept: BTreeSet<u64> = newest.chain(serving.versions.iter().take(2)).copied().collect();
        for number in numbers.difference(&kept) {
            // Out of sight first, so that no half of it is ever found.
            let (folder, unfinished) = (self.folder(*number), self.unfinished(&number.to_string()));
            self.files
                .rename(&folder, &unfinished)
                .and_then(|()| self.files.remove(&unfinished))
                .map_err(|e| self.io(&folder, e))?;
        }
        Ok(())
    }

    /// Removes what a crash left unfinished.
    fn clean(&self) -> Result<(), ModelDirectoryError> {
        for entry in fs::read_dir(&self.path).map_err(|e| self.io(&self.path, e))? {
            let entry = entry.map_err(|e| self.io(&self.path, e))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Other files of the folder may be being written by those who keep them.
            let own = name.strip_prefix('.').and_then(|name| name.strip_suffix(UNFINISHED));
            if own.is_some_and(|own| own == POINTER || own.parse::<u64>().is_ok()) {
                self.files.remove(&entry.path()).map_err(|e| self.io(&entry.path(), e))?;
            }
        }
        Ok(())
    }

    /// The numbers of the versions that are there.
    fn numbers(&self) -> Result<BTreeSet<u64>, ModelDirectoryError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(error) => return Err(self.io(&self.path, error)),
        };
        let mut numbers = BTreeSet::new();
        for entry in entries {
            let name = entry.map_err(|e| self.io(&self.path, e))?.file_name();
            let number = name.to_str().and_then(|name| name.parse().ok());
            // 007 is not how a version is written.
            numbers.extend(number.filter(|number: &u64| *name == *number.to_string()));
        }
        Ok(numbers)
    }

    fn lock(&self) -> Result<fs::File, ModelDirectoryError> {
        let path = self.path.join(LOCK);
        let opened = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|e| self.io(&path, e))?;
        // Let go when the file is closed, by a crash too.
        file.lock().map_err(|e| self.io(&path, e))?;
        Ok(file)
    }

    fn folder(&self, number: u64) -> PathBuf {
        self.path.join(number.to_string())
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}{UNFINISHED}"))
    }

    fn sync(&self, folder: &Path) -> Result<(), ModelDirectoryError> {
        self.files.sync_folder(folder).map_err(|e| self.io(folder, e))
    }

    fn io(&self, path: &Path, source: io::Error) -> ModelDirectoryError {
        ModelDirectoryError::Io { path: path.to_owned(), source }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let mut text = error.to_string();
    for cause in
        causes.map(ToString::to_string).filter(|cause| !text.contains(cause)).collect::<Vec<_>>()
    {
        text.push_str(": ");
        text.push_str(&cause);
    }
    text
}
