//! One process per data directory.
#![cfg(all(feature = "sqlite", unix))]
#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use tradepulse_exec::store::lock::{InstanceLock, LOCK_NAME, LockError};

const FOLDER: &str = "TRADEPULSE_TEST_FOLDER";

/// Not a test by itself: holds the lock until it is killed.
#[test]
fn holds_the_lock_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let _lock = InstanceLock::take(Path::new(&folder)).unwrap();
    writeln!(std::io::stderr(), "held").unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn the_holder_is_named_and_kill_9_releases() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "holds_the_lock_until_it_is_killed"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
        words.by_ref().find(|line| line.as_ref().unwrap() == "held").unwrap().unwrap();
        let error = InstanceLock::take(folder.path()).unwrap_err();
        let text = error.to_string();
        let LockError::Held { holder: Some(holder), .. } = error else { panic!("{error:?}") };
        assert_eq!(holder.pid, child.id());
        assert!(holder.command.ends_with("holds_the_lock_until_it_is_killed"), "{holder:?}");
        assert!(text.contains(&format!("held by process {} (", child.id())), "{text}");
        assert!(text.contains(&holder.started_at.to_string()), "{text}");
        // SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        let lock = InstanceLock::take(folder.path()).unwrap();
        drop(lock);
    }
}

#[test]
fn a_lock_dropped_names_nobody_and_a_file_left_is_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join(LOCK_NAME);
    let lock = InstanceLock::take(path.parent().unwrap()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("\"pid\""));
    drop(lock);
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    fs::write(
        &path,
        "left by something else, longer than what will be written in its place ".repeat(9),
    )
    .unwrap();
    let lock = InstanceLock::take(path.parent().unwrap()).unwrap();
    let error = InstanceLock::take(path.parent().unwrap()).unwrap_err();
    assert!(matches!(error, LockError::Held { holder: Some(_), .. }), "{error:?}");
    drop(lock);
}
