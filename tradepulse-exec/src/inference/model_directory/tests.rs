use std::sync::atomic::{AtomicUsize, Ordering};

use pollster::block_on;
use tradepulse_core::inference::OutputKind;

use super::*;
use crate::inference::bundle::RAW;

/// A disk whose process dies after some operations: nothing is done from then on, and half of a file
/// may be written.
struct Dying {
    left: AtomicUsize,
    half: bool,
}

impl Dying {
    fn new(left: usize, half: bool) -> Self {
        Self { left: AtomicUsize::new(left), half }
    }

    fn step(&self) -> io::Result<()> {
        let less = |left: usize| left.checked_sub(1);
        let alive = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        alive.map(drop).map_err(|_| io::Error::other("the process is dead"))
    }
}

impl Files for Dying {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        Disk.create_folder(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let dying = self.left.load(Ordering::Relaxed) == 0;
        if dying && self.half {
            // It dies in the middle of this one.
            self.half_of(path, bytes)?;
        }
        self.step()?;
        Disk.write(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        Disk.rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        Disk.sync_folder(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let dying = self.left.load(Ordering::Relaxed) == 0 && self.half && path.is_dir();
        if let Some(first) = fs::read_dir(path).ok().and_then(|mut entries| entries.next())
            && dying
        {
            fs::remove_file(first?.path())?;
        }
        self.step()?;
        Disk.remove(path)
    }
}

impl Dying {
    fn half_of(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.write(path, &bytes[..bytes.len() / 2])
    }
}

/// A model whose every output is `value`.
fn model(value: f64) -> Publication {
    let text = format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n\
         objective=regression\nfeature_names=momentum\ntree_sizes=1\n\n\
         Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\ndecision_type=2\n\
         left_child=-1\nright_child=-2\nleaf_value={value} {value}\n\nend of trees\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("momentum.txt");
    fs::write(&file, text).unwrap();
    let flags = Flags { name: None, features: RAW.to_owned(), output: OutputKind::Score };
    block_on(Publication::of_file(&file, Some(&flags), &FeatureRegistry::default())).unwrap()
}

fn publish(directory: &ModelDirectory, value: f64) -> Result<u64, ModelDirectoryError> {
    let published = block_on(directory.publish(model(value), &FeatureRegistry::default()));
    published.map(|bundle| bundle.manifest().version)
}

/// Version and output of what is served.
fn served(directory: &ModelDirectory) -> (u64, f64, Vec<String>) {
    let served = block_on(directory.load(&FeatureRegistry::default())).unwrap();
    let manifest = served.bundle.manifest();
    (manifest.version, manifest.golden_sample.output[0], served.warnings)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn names(directory: &ModelDirectory) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn the_last_five_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let directory = ModelDirectory::new(folder.path().join("models"));
    let nothing = block_on(directory.load(&FeatureRegistry::default())).unwrap_err();
    assert!(nothing.to_string().contains("publish one"), "{nothing}");
    for number in 1..=7 {
        assert_eq!(publish(&directory, number as f64).unwrap(), number);
        assert_eq!(served(&directory), (number, number as f64, Vec::new()));
    }
    assert_eq!(names(&directory), [".lock", "3", "4", "5", "6", "7", "serving.json"]);
}

#[test]
fn a_rollback_goes_to_what_was_served_before() {
    let folder = tempfile::tempdir().unwrap();
    let directory = ModelDirectory::new(folder.path());
    let registry = FeatureRegistry::default();
    let back = |to| block_on(directory.rollback(to, &registry)).map(|b| b.manifest().version);
    assert!(matches!(back(None), Err(ModelDirectoryError::Empty { .. })));
    for value in 1..=3 {
        publish(&directory, f64::from(value)).unwrap();
    }
    assert_eq!(back(None).unwrap(), 2);
    // The next version has a new number, and what it goes back to is not the one that was bad.
    assert_eq!(publish(&directory, 4.0).unwrap(), 4);
    assert_eq!(back(None).unwrap(), 2);
    assert_eq!(back(None).unwrap(), 1);
    assert!(matches!(back(None), Err(ModelDirectoryError::NothingBefore)));
    assert_eq!(served(&directory).0, 1);
    assert_eq!(back(Some(4)).unwrap(), 4);
    assert_eq!(back(None).unwrap(), 1);
    let error = back(Some(9)).unwrap_err().to_string();
    assert_eq!(error, "there is no version 9: 1, 2, 3, 4 are there");
    // One that is damaged is not served.
    fs::write(folder.path().join("3/model.txt"), "tree").unwrap();
    assert!(matches!(back(Some(3)), Err(ModelDirectoryError::Bundle(_))));
    assert_eq!(served(&directory).0, 1);
}

#[test]
fn a_damaged_version_is_passed_over_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let directory = ModelDirectory::new(folder.path());
    for value in 1..=3 {
        publish(&directory, f64::from(value)).unwrap();
    }
    let file = folder.path().join("3/model.txt");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (version, output, warnings) = served(&directory);
    assert_eq!((version, output), (2, 2.0));
    assert!(warnings[0].starts_with("version 3 is not served: "), "{warnings:?}");
    let versions = block_on(directory.versions(&FeatureRegistry::default())).unwrap();
    assert!(versions[0].serving && versions[0].model.is_err() && versions[1].model.is_ok());
    // A version of another number does not pass for it, and the pointer may be gone.
    fs::remove_dir_all(folder.path().join("2")).unwrap();
    fs::rename(folder.path().join("1"), folder.path().join("2")).unwrap();
    let error = block_on(directory.load(&FeatureRegistry::default())).unwrap_err().to_string();
    assert!(error.contains("holds version 1"), "{error}");
    fs::rename(folder.path().join("2"), folder.path().join("1")).unwrap();
    fs::write(folder.path().join(POINTER), "{\"versio").unwrap();
    let (version, _, warnings) = served(&directory);
    assert_eq!((version, warnings.len()), (1, 2));
    // The damaged one is as it was, and its number is not given again.
    assert_eq!(publish(&directory, 4.0).unwrap(), 4);
    assert_eq!(served(&directory), (4, 4.0, Vec::new()));
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

/// Whatever operation is the last one: what is served is the champion until the new version is
/// whole, and the next publication starts clean.
#[test]
fn a_crash_at_any_step_leaves_a_whole_version() {
    for versions in [0, 1, 5, 7] {
        let before = tempfile::tempdir().unwrap();
        for value in 1..=versions {
            publish(&ModelDirectory::new(before.path()), value as f64).unwrap();
        }
        for half in [false, true] {
            let mut died = 0;
            for steps in 0.. {
                let folder = tempfile::tempdir().unwrap();
                copy(before.path(), folder.path());
                let directory = ModelDirectory::new(folder.path());
                let files = Arc::new(Dying::new(steps, half));
                let path = directory.path.clone();
                let dying = ModelDirectory { path, files: Arc::clone(&files) as Arc<dyn Files> };
                let new = versions + 1;
                let crashed = publish(&dying, new as f64).is_err();
                let survived = files.left.load(Ordering::Relaxed) > 0;
                died += usize::from(!survived);
                match block_on(directory.load(&FeatureRegistry::default())) {
                    Ok(served) => {
                        let manifest = served.bundle.manifest();
                        assert!([versions, new].contains(&manifest.version), "{steps} {half}");
                        assert_eq!(manifest.golden_sample.output[0], manifest.version as f64);
                        assert!(crashed || manifest.version == new);
                        // Only where nothing was ever served the pointer may be missing.
                        assert!(served.warnings.is_empty() || versions == 0, "{steps} {half}");
                    }
                    Err(error) => {
                        assert!(crashed && versions == 0, "{steps} {half}: {error}");
                    }
                }
                let next = publish(&directory, 100.0).unwrap();
                assert_eq!(served(&directory), (next, 100.0, Vec::new()));
                assert!(next > versions);
                let left = names(&directory);
                assert!(!left.iter().any(|name| name.ends_with(UNFINISHED)), "{left:?}");
                // The lock, the pointer, and the versions.
                assert!(left.len() <= KEPT_VERSIONS + 2, "{left:?}");
                if survived {
                    break;
                }
            }
            assert!(died >= 9, "{died} operations");
        }
    }
}

#[test]
fn what_is_no_version_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let directory = ModelDirectory::new(folder.path());
    publish(&directory, 1.0).unwrap();
    fs::create_dir(folder.path().join("007")).unwrap();
    fs::write(folder.path().join("samples.jsonl"), "").unwrap();
    assert_eq!(publish(&directory, 2.0).unwrap(), 2);
    let about = fs::read_to_string(folder.path().join("2").join(MANIFEST)).unwrap();
    let about = about.replace("model.txt", "../1/model.txt");
    fs::write(folder.path().join("2").join(MANIFEST), about).unwrap();
    let (version, _, warnings) = served(&directory);
    assert_eq!((version, warnings.len()), (1, 1));
}
