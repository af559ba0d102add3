use super::problem::{Origin, Problem};
use super::yaml::{self, Node, Value};

/// What the names of overriding variables begin with; `__` stands between the steps of a path.
pub(super) const PREFIX: &str = "TRADEPULSE__";

/// Puts every variable of `environment` that overrides a key into the tree. The value is read as
/// YAML: `[1m, 5m]` is a list, `null` nothing.
pub(super) fn apply(
    tree: &mut Node,
    environment: impl IntoIterator<Item = (String, String)>,
    problems: &mut Vec<Problem>,
) {
    let mut variables: Vec<_> =
        environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (variable, text) in variables {
        let steps = variable[PREFIX.len()..].to_lowercase();
        let steps: Vec<String> = steps.split("__").map(str::to_owned).collect();
        let origin = Origin::Environment { variable: variable.clone() };
        if steps.iter().any(String::is_empty) {
            let message = format!("expected a name such as {PREFIX}SECTION__KEY");
            problems.push(Problem { origin, path: String::new(), message });
            continue;
        }
        let mut node = match yaml::parse(&text) {
            Ok(Some(node)) => node,
            Ok(None) => Node {
                value: Value::Scalar { text: String::new(), plain: true },
                origin: origin.clone(),
            },
            // The value may be a secret that was put here by mistake: it is not repeated.
            Err(_) => {
                let message = "its value is no YAML: put it in quotes".to_owned();
                problems.push(Problem { origin, path: steps.join("."), message });
                continue;
            }
        };
        node.rename_origin(&origin);
        tree.put(&steps, node);
    }
}
