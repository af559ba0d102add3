//! Files that are there whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// What the names of unfinished files end with.
pub(crate) const UNFINISHED: &str = ".unfinished";

/// Writes a file under another name in the same folder, makes it durable and renames it.
///
/// After a crash there is the old file or the new one, and perhaps an unfinished one beside it.
/// The new name itself is durable only after [`sync_folder`].
pub fn write<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let unfinished = unfinished(path)?;
    let written = File::create(&unfinished).map_err(E::from).and_then(|mut file| {
        fill(&mut file)?;
        file.sync_all()?;
        drop(file);
        Ok(fs::rename(&unfinished, path)?)
    });
    if written.is_err() {
        // Best effort: the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn unfinished(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut unfinished = OsString::from(".");
    unfinished.push(name);
    unfinished.push(format!(".{}", std::process::id()));
    unfinished.push(UNFINISHED);
    Ok(path.with_file_name(unfinished))
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened, and renames are durable by themselves.
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
