use anyhow::Result;
use clap::Args;
use tradepulse_strategies::registry_with_models;

use crate::output::{self, Verdict};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Show the variables of this one
    name: Option<String>,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let registry = registry_with_models();
    match (&arguments.name, arguments.json) {
        (None, true) => output::json(&registry.iter().map(|s| s.about()).collect::<Vec<_>>())?,
        (Some(name), true) => output::json(registry.get(name)?.about())?,
        (None, false) => {
            let mut table = output::table(&["strategy", "version", "variables", "what"], &[1, 2]);
            for about in registry.iter().map(|s| s.about()) {
                table.add_row([
                    about.name.to_owned(),
                    about.version.to_string(),
                    about.variables.len().to_string(),
                    about.summary.to_owned(),
                ]);
            }
            output::line(table)?;
            output::line("Variables of one: tradepulse strategies NAME")?;
        }
        (Some(name), false) => {
            let about = registry.get(name)?.about();
            output::line(format!("{} (version {}): {}", about.name, about.version, about.summary))?;
            for input in about.optional_inputs {
                output::line(format!("Uses, where known: {input}"))?;
            }
            let header = ["variable", "default", "domain", "unit", "what"];
            let mut table = output::table(&header, &[1]);
            for variable in about.variables {
                table.add_row([
                    variable.name.to_owned(),
                    variable.default.to_string(),
                    variable.domain.to_string(),
                    variable.unit.to_owned(),
                    variable.doc.to_owned(),
                ]);
            }
            output::line(table)?;
        }
    }
    Ok(Verdict::Good)
}
