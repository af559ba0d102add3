use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::atomic;

/// A file of samples, one a line, each on the disk before it is acknowledged.
pub(super) struct SampleFile {
    path: PathBuf,
    open: Mutex<Option<Open<File>>>,
    count: AtomicU64,
}

/// A file with whole lines in it.
struct Open<F> {
    file: F,
    /// Bytes of whole lines.
    length: u64,
}

/// What is asked of a file.
trait Durable: Write {
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts off what is beyond `length`, and goes on from there.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Durable for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

impl<F: Durable> Open<F> {
    /// Adds a line; if that fails there is nothing of it, or the file is given up.
    fn append(mut self, line: &[u8]) -> (Option<Self>, io::Result<()>) {
        match self.file.write_all(line).and_then(|()| self.file.sync()) {
            Ok(()) => {
                self.length += line.len() as u64;
                (Some(self), Ok(()))
            }
            Err(error) => {
                let whole = self.file.cut(self.length).is_ok();
                (whole.then_some(self), Err(error))
            }
        }
    }
}

impl SampleFile {
    /// The file is opened, or made, with the first sample.
    pub(super) fn new(path: PathBuf) -> Self {
        let regular = std::fs::metadata(&path).is_ok_and(|about| about.is_file());
        let found = if regular {
            File::open(&path).and_then(|mut f| whole_lines(&mut f))
        } else {
            Ok((0, 0))
        };
        let count = found.map_or(0, |(count, _)| count);
        Self { path, open: Mutex::new(None), count: AtomicU64::new(count) }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Samples in the file.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Adds a line, and says how many there are. If it cannot be written whole there is nothing of
    /// it in the file.
    pub(super) fn append(&self, line: &[u8]) -> io::Result<u64> {
        let mut guard = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match guard.take() {
            Some(open) => open,
            None => self.open()?,
        };
        // What could not be taken back is when the file is opened again.
        let (open, appended) = open.append(line);
        *guard = open;
        appended?;
        Ok(self.count.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Opens the file without a line that a crash cut off.
    fn open(&self) -> io::Result<Open<File>> {
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other(format!("{} is no file", self.path.display())));
        }
        // Two that add to it would write over each other's lines. Let go when the file is closed.
        match file.try_lock() {
            Ok(()) => {}
            // Some file systems know no locks.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {
                let path = self.path.display();
                return Err(io::Error::other(format!("another process keeps samples in {path}")));
            }
        }
        let (count, length) = whole_lines(&mut file)?;
        file.cut(length)?;
        file.sync_all()?;
        atomic::sync_folder(self.path.parent().unwrap_or(Path::new("")))?;
        self.count.store(count, Ordering::Relaxed);
        Ok(Open { file, length })
    }
}

/// Whole lines, and their bytes.
fn whole_lines(file: &mut File) -> io::Result<(u64, u64)> {
    let (mut count, mut length, mut read) = (0, 0, 0);
    let mut block = vec![0; 1 << 16];
    loop {
        let bytes = match file.read(&mut block)? {
            0 => return Ok((count, length)),
            bytes => bytes,
        };
        for (i, _) in block[..bytes].iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            count += 1;
            length = read + i as u64 + 1;
        }
        read += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.jsonl");
        std::fs::write(&path, "{\"a\":1}\n{\"b\"").unwrap();
        let samples = SampleFile::new(path.clone());
        assert_eq!(samples.count(), 1);
        assert_eq!(samples.append(b"{}\n").unwrap(), 2);
        assert_eq!(samples.append(b"[]\n").unwrap(), 3);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{}\n[]\n");
        assert_eq!(SampleFile::new(path).count(), 3);
    }

    /// A disk with room for some bytes.
    struct Small {
        bytes: Vec<u8>,
        room: usize,
        stuck: bool,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.bytes.len());
            self.bytes.extend_from_slice(&bytes[..taken]);
            if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Durable for Small {
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn cut(&mut self, length: u64) -> io::Result<()> {
            if self.stuck {
                return Err(io::ErrorKind::Other.into());
            }
            self.bytes.truncate(length as usize);
            Ok(())
        }
    }

    #[test]
    fn a_line_that_does_not_fit_leaves_nothing() {
        let file = Small { bytes: Vec::new(), room: 10, stuck: false };
        let (open, first) = Open { file, length: 0 }.append(b"123456\n");
        assert!(first.is_ok());
        let (open, second) = open.unwrap().append(b"123456\n");
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::StorageFull);
        let mut open = open.unwrap();
        assert_eq!((open.length, open.file.bytes.as_slice()), (7, b"123456\n".as_slice()));
        open.file.room = 20;
        let (open, third) = open.append(b"1\n");
        assert!(third.is_ok());
        let mut open = open.unwrap();
        open.file.room = 10;
        open.file.stuck = true;
        let (open, fourth) = open.append(b"123\n");
        assert!(fourth.is_err() && open.is_none());
    }

    #[test]
    fn two_do_not_keep_samples_in_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.jsonl");
        let (first, second) = (SampleFile::new(path.clone()), SampleFile::new(path.clone()));
        assert_eq!(first.append(b"1\n").unwrap(), 1);
        let refused = second.append(b"2\n").unwrap_err().to_string();
        assert!(refused.contains("another process keeps samples"), "{refused}");
        assert_eq!(first.append(b"3\n").unwrap(), 2);
        drop(first);
        assert_eq!(second.append(b"2\n").unwrap(), 3);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n3\n2\n");
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let samples = SampleFile::new(folder.path().to_owned());
        assert!(samples.append(b"{}\n").is_err());
        assert_eq!(samples.count(), 0);
    }
}
