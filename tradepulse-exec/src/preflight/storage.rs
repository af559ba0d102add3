use std::time::Duration;

use super::Preflight;
use crate::check::{Check, free_bytes, size, with_causes};
use crate::store::backup::Backups;
use crate::store::sqlite::{SCHEMA_VERSION, maintenance};

impl Preflight<'_> {
    pub(super) fn disk(&self) -> Check {
        let folder = self.folder();
        let free = match free_bytes(folder) {
            Ok(free) => free,
            Err(error) => {
                return Check::skipped("disk", format!("free space cannot be asked for: {error}"));
            }
        };
        let needed = u64::from(self.config.preflight.min_free_disk_mib) << 20;
        let found = format!("{} free for {}", size(free), folder.display());
        if free >= needed {
            return Check::pass("disk", format!("{found}, at least {} wanted", size(needed)));
        }
        let text = format!("{found}, and {} are wanted", size(needed));
        Check::fail("disk", text, "make room, or name another folder in database.folder")
    }

    /// Whether the database is sound and of this program's schema.
    pub(super) async fn database(&self) -> Check {
        let status = match maintenance::status(self.folder()).await {
            Ok(status) => status,
            Err(error) => {
                return Check::fail("database", with_causes(&error), "restore a backup");
            }
        };
        match status.schema_version {
            None => Check::skipped("database", "there is none yet: it is made at first use"),
            Some(SCHEMA_VERSION) => {
                let checked = maintenance::check(self.folder()).await;
                let found = checked.map(|()| {
                    let path = status.path.display();
                    format!("{path} is sound, schema version {SCHEMA_VERSION}")
                });
                Check::of("database", found, "tradepulse restore FILE --force")
            }
            Some(version) => Check::fail(
                "database",
                format!("schema version {version}, this program writes {SCHEMA_VERSION}"),
                match version > SCHEMA_VERSION {
                    true => "use a later version of the program",
                    false => "tradepulse backup, then tradepulse db migrate",
                },
            ),
        }
    }

    /// Whether there is a backup that is young and can be restored.
    pub(super) async fn backup(&self) -> Check {
        const ADVICE: &str = "tradepulse backup";
        let folder = self.config.database.backup_folder.clone();
        let backups = Backups {
            data_dir: self.folder().to_owned(),
            folder: folder.unwrap_or_else(|| self.folder().join(Backups::FOLDER)),
            every: Duration::MAX,
            keep: usize::MAX,
        };
        if !backups.data_dir.join(crate::store::sqlite::FILE_NAME).exists() {
            return Check::skipped("backup", "there is no database yet");
        }
        let place = backups.folder.display();
        let newest = match backups.list() {
            Err(error) => return Check::fail("backup", with_causes(&error), ADVICE),
            Ok(found) => found.into_iter().next(),
        };
        let Some(newest) = newest else {
            return Check::fail("backup", format!("there is none in {place}"), ADVICE);
        };
        let hours = (self.now.as_ms() - newest.at.as_ms()) / 3_600_000;
        let most = self.config.preflight.max_backup_age_hours;
        if hours > i64::from(most) {
            let text =
                format!("the last, {}, is {hours} h old, at most {most} h allowed", newest.at);
            return Check::fail("backup", text, ADVICE);
        }
        let rows = |status: maintenance::Status| status.tables.iter().map(|(_, n)| n).sum::<u64>();
        let restored = backups.rehearse(&newest).await.map(|status| {
            let (path, rows) = (newest.path.display(), rows(status));
            format!("{path}, {hours} h old, was restored for a try: {rows} rows, sound")
        });
        Check::of("backup", restored, ADVICE)
    }
}
