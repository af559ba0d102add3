//! What was looked at, and how it stands.

use serde::Serialize;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// As it should be.
    Pass,
    /// It works, and somebody should look at it.
    Warning,
    /// Not as it should be.
    Fail,
    /// It could not, or need not, be looked at.
    Skipped,
}

impl Standing {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warning => "warning",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: a word or two, the same every time.
    pub name: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was found.
    pub evidence: String,
    /// What to do about it, where there is something to do.
    pub advice: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn pass(name: &'static str, evidence: impl Into<String>) -> Self {
        Self { name, standing: Standing::Pass, evidence: evidence.into(), advice: None }
    }

    /// It works, and somebody should look at it.
    pub fn warning(
        name: &'static str,
        evidence: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (evidence, advice) = (evidence.into(), Some(advice.into()));
        Self { name, standing: Standing::Warning, evidence, advice }
    }

    /// Not as it should be.
    pub fn fail(
        name: &'static str,
        evidence: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (evidence, advice) = (evidence.into(), Some(advice.into()));
        Self { name, standing: Standing::Fail, evidence, advice }
    }

    /// It could not, or need not, be looked at.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, standing: Standing::Skipped, evidence: why.into(), advice: None }
    }

    /// `found` in order, or failed with what went wrong.
    pub fn of<E: std::error::Error>(
        name: &'static str,
        found: Result<String, E>,
        advice: impl Into<String>,
    ) -> Self {
        match found {
            Ok(evidence) => Self::pass(name, evidence),
            Err(error) => Self::fail(name, with_causes(&error), advice),
        }
    }
}

/// An error and what caused it, in a line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}

/// Bytes free to use on the disk of `path`, or of the nearest folder above it that there is.
#[cfg(unix)]
pub(crate) fn free_bytes(path: &std::path::Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(nearest_folder(path))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Bytes free to use on the disk of `path`.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &std::path::Path) -> std::io::Result<u64> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// `path`, or the nearest folder above it that there is.
pub(crate) fn nearest_folder(path: &std::path::Path) -> &std::path::Path {
    let found = path.ancestors().find(|folder| folder.is_dir());
    found.unwrap_or(std::path::Path::new("."))
}

/// Bytes as people read them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
