//! What was looked at, shown.

use anyhow::Result;
use serde_json::json;
use tradepulse_exec::check::{Check, Standing};
use tradepulse_exec::preflight::is_passed;

use crate::output::{self, Verdict};

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing failed
  1  a check failed
  2  the checks could not be made";

pub(crate) fn show(checks: &[Check], json: bool) -> Result<Verdict> {
    let passed = is_passed(checks);
    if json {
        output::json(&json!({ "passed": passed, "checks": checks }))?;
    } else {
        let mut table = output::table(&["check", "", "found"], &[]);
        for check in checks {
            let advice = check.advice.as_ref().map_or_else(String::new, |a| format!("\n→ {a}"));
            table.add_row([
                check.name.to_owned(),
                check.standing.name().to_owned(),
                format!("{}{advice}", check.evidence),
            ]);
        }
        output::line(table)?;
        let count = |standing| checks.iter().filter(|check| check.standing == standing).count();
        output::line(format!(
            "{} passed, {} failed, {} warnings, {} skipped",
            count(Standing::Pass),
            count(Standing::Fail),
            count(Standing::Warning),
            count(Standing::Skipped)
        ))?;
    }
    Ok(if passed { Verdict::Good } else { Verdict::Bad })
}
