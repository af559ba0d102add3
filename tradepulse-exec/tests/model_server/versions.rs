use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tradepulse_core::inference::FeatureRegistry;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::inference::bundle::{Flags, RAW};
use tradepulse_exec::inference::model_directory::{ModelDirectory, Publication};
use tradepulse_exec::model_server::{Learning, ModelServer, ModelServerSettings};

use super::scene::{Scene, fixture, raw_snapshot};

/// Publishes the model of three classes.
async fn publish(folder: &Path) -> u64 {
    let output = "probs3".parse().unwrap();
    let flags = Flags { name: Some("trees".to_owned()), features: RAW.to_owned(), output };
    let registry = FeatureRegistry::default();
    let file = fixture("multiclass");
    let new = Publication::of_file(&file, Some(&flags), &registry).await.unwrap();
    let published = ModelDirectory::new(folder).publish(new, &registry).await.unwrap();
    published.manifest().version
}

async fn serve(folder: &Path, control: bool) -> Scene {
    serve_with(Learning { control, ..Learning::new(ModelDirectory::new(folder)) }).await
}

async fn serve_with(learning: Learning) -> Scene {
    let served = learning.directory.load(&FeatureRegistry::default()).await.unwrap();
    let settings = ModelServerSettings::default();
    let server =
        ModelServer::with_learning(served.bundle, settings, learning, || Timestamp::from_ms(0));
    Scene::of(server).await
}

#[tokio::test]
async fn a_rollback_changes_what_is_served() {
    let folder = tempfile::tempdir().unwrap();
    for version in 1..=3 {
        assert_eq!(publish(folder.path()).await, version);
    }
    let scene = serve(folder.path(), true).await;
    assert_eq!(scene.get_json("/ready").await.1["model_version"], 3);
    let (status, answer) = scene.post("/rollback", "").await;
    let expected = json!({ "model_name": "trees", "model_version": 2, "replaced_version": 3 });
    assert_eq!((status, answer), (200, expected));
    let asked = raw_snapshot(&[0.0; 6]).to_string();
    assert_eq!(scene.post("/predict", asked).await.1["model_version"], 2);
    let (status, answer) = scene.post("/rollback", "{\"version\": 3}").await;
    assert_eq!((status, &answer["model_version"]), (200, &json!(3)));
    // What cannot be done changes nothing.
    let (status, answer) = scene.post("/rollback", "{\"version\": 9}").await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(scene.post("/rollback", "{\"versoin\": 2}").await.0, 422);
    let page = scene.client().post(scene.url("/rollback")).header("origin", "http://page.example");
    assert_eq!(page.send().await.unwrap().status(), 403);
    assert_eq!(scene.get_json("/ready").await.1["model_version"], 3);
    scene.stop().await;
    // Another server begins where this one was.
    let scene = serve(folder.path(), false).await;
    assert_eq!(scene.get_json("/ready").await.1["model_version"], 3);
    assert_eq!(scene.post("/rollback", "").await.0, 403);
}

#[tokio::test]
async fn a_rollback_that_has_to_wait_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path()).await;
    publish(folder.path()).await;
    let scene = serve(folder.path(), true).await;
    // Another process publishes; it would be done in a while, whatever the server does.
    let lock = std::fs::File::open(folder.path().join(".lock")).unwrap();
    lock.lock().unwrap();
    let (answered, wait) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        let told = wait.recv_timeout(Duration::from_secs(20)).is_ok();
        drop(lock);
        told
    });
    let rollback = tokio::spawn(scene.client().post(scene.url("/rollback")).send());
    for _ in 0..50 {
        assert_eq!(scene.get_json("/ready").await.1["model_version"], 2);
    }
    answered.send(()).unwrap();
    assert_eq!(rollback.await.unwrap().unwrap().status(), 200);
    assert!(other.join().unwrap(), "nobody was answered before the other process was done");
    assert_eq!(scene.get_json("/ready").await.1["model_version"], 1);
}

#[tokio::test]
async fn what_is_published_between_loading_and_serving_is_served() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path()).await;
    let learning = Learning::new(ModelDirectory::new(folder.path()));
    let served = learning.directory.load(&FeatureRegistry::default()).await.unwrap();
    publish(folder.path()).await;
    let settings = ModelServerSettings::default();
    let now = || Timestamp::from_ms(0);
    let scene = Scene::of(ModelServer::with_learning(served.bundle, settings, learning, now)).await;
    let two = async {
        while scene.get_json("/ready").await.1["model_version"] != 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = scene.server.follow(Duration::from_millis(1)) => {}
        () = two => {}
    }
}

#[tokio::test]
async fn a_server_of_one_file_has_no_versions() {
    let scene = Scene::start(super::scene::trees().await, ModelServerSettings::default()).await;
    let (status, answer) = scene.post("/rollback", "").await;
    assert_eq!(status, 409, "{answer}");
}

#[tokio::test]
async fn what_others_publish_is_served() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let tell = Arc::new(move |text| listener.lock().unwrap().push(text));
    let directory = ModelDirectory::new(folder.path());
    let scene = serve_with(Learning { tell, ..Learning::new(directory) }).await;
    let server = scene.server.clone();
    let follower = tokio::spawn(async move { server.follow(Duration::from_millis(1)).await });
    let serves = async |version: u64| {
        while scene.server.served().manifest().version != version {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    publish(folder.path()).await;
    serves(2).await;
    // A version that is damaged is not served, and the one before it goes on.
    publish(folder.path()).await;
    serves(3).await;
    ModelDirectory::new(folder.path()).rollback(None, &FeatureRegistry::default()).await.unwrap();
    serves(2).await;
    std::fs::write(folder.path().join("3/model.txt"), "tree\n").unwrap();
    std::fs::write(folder.path().join("serving.json"), "{\"versions\": [3, 2]}").unwrap();
    while told.lock().unwrap().len() < 4 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(scene.get_json("/ready").await.1["model_version"], 2);
    let told = told.lock().unwrap().join("\n");
    assert!(told.contains("version 3 is not served: "), "{told}");
    follower.abort();
}
