use std::path::PathBuf;

use super::reader::Reader;
use super::section::section;
use super::setting::{Setting, Url, VariableName, read_text};
use super::yaml::Node;
use super::{Key, Kind};
use crate::alert::AlertLevel;
use crate::secret::SecretSource;

section! {
    /// Messages to people.
    Alerts {
        /// Telegram chats.
        telegram: Vec<TelegramChat> = Vec::new(), "";
        /// Addresses that are sent JSON.
        webhooks: Vec<Webhook> = Vec::new(), "";
        /// What happens within this time of a message comes as one further message.
        merge_interval: f64 = 10.0, "s", 0.1 ..= 3600.0;
        /// How often a message that could not be delivered is tried again.
        retries: u32 = 8, "", 0 ..= 100;
        /// Hour of the day, UTC, at which the daily summary is sent.
        daily_summary_hour: u32 = 0, "h", 0 ..= 23;
    }

    /// A Telegram chat.
    TelegramChat {
        /// Environment variable with the bot's token.
        bot_token_env: Option<VariableName> = None, "";
        /// File with the bot's token.
        bot_token_file: Option<PathBuf> = None, "";
        /// The chat: its number, or @name of a channel.
        chat_id: String = String::new(), "";
        /// What it is told.
        levels: Vec<AlertLevel> = AlertLevel::ALL.to_vec(), "";
        /// Base of the bot API.
        base_url: Url = Url::telegram(), "";
    }
    check TelegramChat::check;

    /// An address that is sent JSON.
    Webhook {
        /// The address, where it is no secret.
        url: Option<Url> = None, "";
        /// Environment variable with the address.
        url_env: Option<VariableName> = None, "";
        /// File with the address.
        url_file: Option<PathBuf> = None, "";
        /// Environment variable with a token sent as `Authorization: Bearer`.
        token_env: Option<VariableName> = None, "";
        /// File with such a token.
        token_file: Option<PathBuf> = None, "";
        /// What it is told.
        levels: Vec<AlertLevel> = AlertLevel::ALL.to_vec(), "";
    }
    check Webhook::check;
}

/// The one of two places that is given, if it is one.
fn place(env: &Option<VariableName>, file: &Option<PathBuf>) -> Result<SecretSource, &'static str> {
    match (env, file) {
        (Some(name), None) => Ok(SecretSource::Environment(name.as_str().to_owned())),
        (None, Some(path)) => Ok(SecretSource::File(path.clone())),
        (None, None) => Err("is missing"),
        (Some(_), Some(_)) => Err("is given twice"),
    }
}

impl TelegramChat {
    /// Where the bot's token is; `None` only if the chat was not read from a file.
    pub fn bot_token(&self) -> Option<SecretSource> {
        place(&self.bot_token_env, &self.bot_token_file).ok()
    }

    fn check(&self, node: &Node, reader: &mut Reader) {
        if let Err(reason) = place(&self.bot_token_env, &self.bot_token_file) {
            let message = format!(
                "the token {reason}: name it in bot_token_env or in bot_token_file, in one of them"
            );
            reader.refuse_entry(node, "bot_token_env", message);
        }
        if self.chat_id.trim().is_empty() {
            reader.refuse_entry(node, "chat_id", "name the chat that is told");
        }
        check_levels(&self.levels, node, reader);
    }
}

impl Webhook {
    /// Where its address is, if that is a secret.
    pub fn address(&self) -> Option<SecretSource> {
        place(&self.url_env, &self.url_file).ok()
    }

    /// Where its token is, if it has one.
    pub fn token(&self) -> Option<SecretSource> {
        place(&self.token_env, &self.token_file).ok()
    }

    fn check(&self, node: &Node, reader: &mut Reader) {
        let given = [self.url.is_some(), self.url_env.is_some(), self.url_file.is_some()];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let message = "give the address in exactly one of url, url_env and url_file";
            reader.refuse_entry(node, "url", message);
        }
        if self.url.as_ref().is_some_and(|url| !url.as_str().starts_with("http")) {
            reader.refuse_entry(node, "url", "a webhook's address begins with https:// or http://");
        }
        if self.token_env.is_some() && self.token_file.is_some() {
            reader.refuse_entry(node, "token_env", "the token is given twice: remove one of them");
        }
        check_levels(&self.levels, node, reader);
    }
}

fn check_levels(levels: &[AlertLevel], node: &Node, reader: &mut Reader) {
    if levels.is_empty() {
        reader.refuse_entry(node, "levels", "it would never be told anything: name a level");
    }
}

impl Setting for AlertLevel {
    const KIND: &'static Kind = &Kind::Choice(&[
        Self::Trade.as_str(),
        Self::Error.as_str(),
        Self::CircuitBreaker.as_str(),
        Self::Warning.as_str(),
        Self::DailySummary.as_str(),
        Self::System.as_str(),
    ]);

    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
        read_text(node, key, Self::KIND, reader, |text| text.parse().map_err(|_| String::new()))
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

#[cfg(feature = "alerts")]
mod subscriptions {
    use std::time::Duration;

    use super::Alerts;
    use crate::alert::{
        AlertTarget, DeliveryError, DispatcherSettings, Subscription, Telegram, Webhook,
    };
    use crate::secret::{Secret, SecretError, SecretSource};

    /// Alerts that cannot be delivered to where the configuration says.
    #[derive(Debug, thiserror::Error)]
    #[non_exhaustive]
    pub enum AlertsError {
        /// A token or an address is not where it should be.
        #[error("{path}: {source}")]
        Secret {
            /// The key.
            path: String,
            /// Why.
            source: SecretError,
        },
        /// A target cannot be used.
        #[error("{path}: {source}")]
        Target {
            /// The key.
            path: String,
            /// Why.
            source: DeliveryError,
        },
    }

    impl Alerts {
        /// How patient delivery is.
        pub fn dispatcher_settings(&self) -> DispatcherSettings {
            DispatcherSettings {
                merge_interval: Duration::from_secs_f64(self.merge_interval),
                retries: self.retries,
                ..DispatcherSettings::default()
            }
        }

        /// The targets and what they are told. `environment` gives the value of a variable.
        ///
        /// # Errors
        /// If a secret is not where it should be, or a target cannot be used.
        pub fn subscriptions(
            &self,
            environment: impl Fn(&str) -> Option<String>,
        ) -> Result<Vec<Subscription>, AlertsError> {
            let secret = |path: &str, place: Option<SecretSource>| {
                let read = place.map(|place| place.read(&environment)).transpose();
                read.map_err(|source| AlertsError::Secret { path: path.to_owned(), source })
            };
            let mut subscriptions = Vec::new();
            for (i, chat) in self.telegram.iter().enumerate() {
                let path = format!("alerts.telegram[{i}]");
                let token = secret(&path, chat.bot_token())?.unwrap_or_else(|| Secret::new(""));
                let target = Telegram::new(chat.base_url.as_str(), &token, chat.chat_id.as_str())
                    .map_err(|source| AlertsError::Target { path, source })?;
                let target: Box<dyn AlertTarget> = Box::new(target);
                subscriptions.push(Subscription { target, levels: chat.levels.clone() });
            }
            for (i, webhook) in self.webhooks.iter().enumerate() {
                let path = format!("alerts.webhooks[{i}]");
                let url = match &webhook.url {
                    Some(url) => Secret::new(url.as_str()),
                    None => secret(&path, webhook.address())?.unwrap_or_else(|| Secret::new("")),
                };
                let token = secret(&path, webhook.token())?;
                let target = Webhook::new(url, token)
                    .map_err(|source| AlertsError::Target { path, source })?;
                let target: Box<dyn AlertTarget> = Box::new(target);
                subscriptions.push(Subscription { target, levels: webhook.levels.clone() });
            }
            Ok(subscriptions)
        }
    }
}

#[cfg(feature = "alerts")]
pub use subscriptions::AlertsError;
