use async_trait::async_trait;
use serde_json::json;

use super::delivery::{client, post};
use super::{AlertTarget, DeliveryError, Digest};
use crate::secret::Secret;

/// A Telegram chat, told by a bot through `sendMessage`.
#[derive(Debug)]
pub struct Telegram {
    client: reqwest::Client,
    url: Secret,
    chat_id: String,
    name: String,
}

impl Telegram {
    /// Where bots are served.
    pub const BASE_URL: &'static str = "https://api.telegram.org";
    /// Longest message, UTF-16 units, before it is escaped.
    const MAX_UNITS: usize = 4096;

    /// The chat `chat_id` (a number, or `@name` of a channel), told by the bot with this token.
    ///
    /// # Errors
    /// If no client can be made: TLS cannot be set up.
    pub fn new(
        base_url: &str,
        bot_token: &Secret,
        chat_id: impl Into<String>,
    ) -> Result<Self, DeliveryError> {
        let chat_id = chat_id.into();
        let client =
            client().map_err(|error| DeliveryError::Refused { reason: error.to_string() })?;
        let base = base_url.trim_end_matches('/');
        let url = Secret::new(format!("{base}/bot{}/sendMessage", bot_token.expose()));
        let name = format!("telegram {chat_id}");
        Ok(Self { client, url, chat_id, name })
    }
}

#[async_trait]
impl AlertTarget for Telegram {
    fn name(&self) -> &str {
        &self.name
    }

    fn render(&self, digest: &Digest) -> Vec<String> {
        let mut pages = Pages { done: Vec::new(), text: String::new(), units: 0 };
        let count = digest.count();
        if count > 1 {
            pages.put(&format!("{count} alerts\n"), true);
        }
        for entry in &digest.entries {
            pages.put(entry.level.as_str(), true);
            if entry.count > 1 {
                pages.put(&format!(" ×{}", entry.count), false);
            }
            pages.put(&format!(" {}\n", entry.text), false);
        }
        if digest.more > 0 {
            pages.put(&format!("and {} more\n", digest.more), false);
        }
        pages.finish();
        pages.done
    }

    async fn send(&self, message: &str) -> Result<(), DeliveryError> {
        let body = json!({
            "chat_id": self.chat_id,
            "text": message,
            "parse_mode": "MarkdownV2",
            "link_preview_options": {"is_disabled": true},
        });
        post(&self.client, &self.url, None, &body.to_string()).await
    }
}

struct Pages {
    done: Vec<String>,
    text: String,
    units: usize,
}

impl Pages {
    /// Adds `text`, in bold if so wished, and begins a new page where one is full.
    fn put(&mut self, text: &str, bold: bool) {
        let mark = if bold { "*" } else { "" };
        // Bold text is short, and must not span a line break.
        let (text, end) = text.strip_suffix('\n').map_or((text, ""), |text| (text, "\n"));
        self.text.push_str(mark);
        for c in text.chars() {
            if self.units + c.len_utf16() >= Telegram::MAX_UNITS {
                self.text.push_str(mark);
                self.finish();
                self.text.push_str(mark);
            }
            escape_into(c, &mut self.text);
            self.units += c.len_utf16();
        }
        self.text.push_str(mark);
        self.text.push_str(end);
        self.units += end.len();
    }

    fn finish(&mut self) {
        self.units = 0;
        let page = std::mem::take(&mut self.text);
        if !page.trim().is_empty() {
            self.done.push(page);
        }
    }
}

/// `text` such that Telegram's MarkdownV2 shows it as it is.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|c| escape_into(c, &mut escaped));
    escaped
}

fn escape_into(c: char, out: &mut String) {
    // Every ASCII punctuation mark may be escaped, and some must be.
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tradepulse_core::time::Timestamp;

    use super::*;
    use crate::alert::{Alert, AlertLevel};

    /// What a reader sees: escapes resolved. `None` if something special stands unescaped.
    fn seen(markdown: &str) -> Option<String> {
        let mut text = String::new();
        let mut chars = markdown.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => text.push(chars.next().filter(char::is_ascii)?),
                '*' => {} // bold
                c if "_[]()~`>#+-=|{}.!".contains(c) => return None,
                c => text.push(c),
            }
        }
        Some(text)
    }

    fn pages(texts: &[String]) -> Vec<String> {
        let target = Telegram::new(Telegram::BASE_URL, &Secret::new("1:x"), "1").unwrap();
        let mut digest = Digest::default();
        for text in texts {
            let (level, at) = (AlertLevel::Warning, Timestamp::from_ms(0));
            digest.add(Alert { level, at, text: text.clone() });
        }
        target.render(&digest)
    }

    #[test]
    fn messages_name_level_count_and_text() {
        assert_eq!(
            pages(&["a_b *c* 1.5 (x)!".into()]),
            ["*WARNING* a\\_b \\*c\\* 1\\.5 \\(x\\)\\!\n"]
        );
        let burst = pages(&["x".into(), "y".into(), "x".into()]);
        assert_eq!(burst, ["*3 alerts*\n*WARNING* ×2 x\n*WARNING* y\n"]);
    }

    proptest! {
        #[test]
        fn any_text_survives_escaping(text in any::<String>()) {
            prop_assert_eq!(seen(&escape(&text)), Some(text));
        }

        /// Whatever is told is in the pages, and no page is too long or leaves bold open.
        #[test]
        fn any_alerts_survive(texts in prop::collection::vec("\\PC{0,3000}", 1..4)) {
            let pages = pages(&texts);
            let mut all = String::new();
            for page in &pages {
                let page = seen(page).unwrap();
                prop_assert!(page.encode_utf16().count() <= 4096 && !page.trim().is_empty());
                all += &page;
            }
            for text in texts {
                prop_assert!(all.contains(&text));
            }
        }
    }
}
