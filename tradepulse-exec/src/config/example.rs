use super::Config;
use super::key::{Key, Kind};

/// Widest line of a comment.
const WIDTH: usize = 100;

/// A whole file with every key at its default, each with what it means. What can be in the lists
/// that are empty stands in comments below them.
pub fn example() -> String {
    let mut out = String::from(
        "# Configuration of TradePulse. Every key may be left out; what stands here are the \
         defaults.\n# TRADEPULSE__SECTION__KEY in the environment comes before this file. Secrets \
         do not belong\n# here: keys that end with _env and _file name where they are.\n",
    );
    for key in Config::KEYS {
        out.push('\n');
        write(key, "", &mut out);
    }
    out
}

fn write(key: &Key, indent: &str, out: &mut String) {
    comment(key, indent, out);
    if let Some(keys) = key.section() {
        out.push_str(&format!("{indent}{}:\n", key.name));
        let indent = format!("{indent}  ");
        keys.iter().for_each(|key| write(key, &indent, out));
        return;
    }
    out.push_str(&format!("{indent}{}: {}\n", key.name, key.default_value()));
    if let Some(keys) = key.element() {
        let mut dash = '-';
        for key in keys {
            out.push_str(&format!(
                "{indent}#   {dash} {}: {}  # {}\n",
                key.name,
                key.default_value(),
                about(key)
            ));
            dash = ' ';
        }
    }
}

/// What a key means, and what it can be where its name and default do not tell.
fn about(key: &Key) -> String {
    let doc = key.doc.trim();
    match key.kind {
        Kind::Section(_) | Kind::Optional(Kind::Section(_)) | Kind::List(Kind::Section(_)) => {
            doc.to_owned()
        }
        Kind::Bool => doc.to_owned(),
        _ => format!("{doc} [{}]", key.domain()),
    }
}

/// The lines of a comment, no wider than the page.
fn comment(key: &Key, indent: &str, out: &mut String) {
    let mut line = format!("{indent}#");
    for word in about(key).split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = format!("{indent}#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
