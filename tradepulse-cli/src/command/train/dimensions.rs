//! Which part of a strategy's variables is searched.

use anyhow::{Context, Result, bail};
use clap::Args;
use tradepulse_core::optimise::{Restriction, Space};
use tradepulse_core::parameter::nearest;
use tradepulse_core::strategy::Registered;
use tradepulse_core::variable::Variable;

/// Restrictions of the search. A name may be that of a variable, which stands for it in every
/// strategy that has it, or `strategy.variable`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DimensionArguments {
    /// Hold a variable at a value; `strategy.name=value` for one strategy of several
    #[arg(long, value_name = "NAME=VALUE")]
    fix: Vec<String>,
    /// Search less of a variable: from..to, from..to:step, or some values such as 4,6,12
    #[arg(long, value_name = "NAME=FROM..TO[:STEP]")]
    range: Vec<String>,
    /// Search these variables; the others stay at their defaults
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    only: Vec<String>,
}

/// One name as it was given, with the option it was given to.
struct Named<'a> {
    option: &'static str,
    name: &'a str,
    text: &'a str,
}

impl DimensionArguments {
    /// The space of each of `strategies`.
    pub(crate) fn spaces(&self, strategies: &[&Registered]) -> Result<Vec<Space>> {
        let restrictions = self.named()?;
        for named in &restrictions {
            named.require_known(strategies)?;
        }
        strategies.iter().map(|strategy| self.space(strategy, &restrictions)).collect()
    }

    fn named(&self) -> Result<Vec<Named<'_>>> {
        let mut all = Vec::new();
        let fixed = self.fix.iter().map(|text| ("--fix", text));
        for (option, text) in fixed.chain(self.range.iter().map(|text| ("--range", text))) {
            let Some((name, text)) = text.split_once('=') else {
                bail!(
                    "{option} {text}: expected NAME={}",
                    if option == "--fix" { "VALUE" } else { "FROM..TO" }
                );
            };
            all.push(Named { option, name: name.trim(), text: text.trim() });
        }
        all.extend(self.only.iter().map(|n| Named { option: "--only", name: n.trim(), text: "" }));
        Ok(all)
    }

    fn space(&self, strategy: &Registered, named: &[Named<'_>]) -> Result<Space> {
        let about = strategy.about();
        let own: Vec<(&Named<'_>, &Variable)> =
            named.iter().filter_map(|n| Some((n, n.of(strategy)?))).collect();
        for (i, (one, variable)) in own.iter().enumerate() {
            // A range of what is searched alone is one thing said in two parts.
            let agree = |other: &Named<'_>| (other.option, one.option) == ("--range", "--only");
            let again = own[..i].iter().find(|(o, v)| v.name == variable.name && !agree(o));
            if let Some((other, _)) = again {
                bail!(
                    "{}.{} is named by {} and again by {}: name it once",
                    about.name,
                    variable.name,
                    other.option,
                    one.option
                );
            }
        }
        let searched = |variable: &Variable| {
            self.only.is_empty() || own.iter().any(|(_, v)| v.name == variable.name)
        };
        if !self.only.is_empty() && !own.iter().any(|(n, _)| n.option == "--only") {
            bail!(
                "--only names no variable of {}, so nothing of it would be searched: name one as \
                 {}.NAME, or leave it out of --strategies",
                about.name,
                about.name
            );
        }
        let mut space = Space::new(about.variables)?;
        for variable in about.variables.iter().filter(|v| !searched(v)) {
            space = space.restrict(variable.name, &Restriction::Fixed(variable.default))?;
        }
        for (named, variable) in own {
            if named.option != "--only" {
                space = named.restrict(space, variable).with_context(|| {
                    format!("{} {}={} of {}", named.option, named.name, named.text, about.name)
                })?;
            }
        }
        Ok(space)
    }
}

impl Named<'_> {
    /// The name without the strategy, and the strategy if there is one.
    fn parts(&self) -> (Option<&str>, &str) {
        match self.name.split_once('.') {
            Some((strategy, name)) => (Some(strategy), name),
            None => (None, self.name),
        }
    }

    /// The variable it names, if it is one of this strategy's.
    fn of(&self, strategy: &Registered) -> Option<&'static Variable> {
        let about = strategy.about();
        let (scope, name) = self.parts();
        if scope.is_some_and(|scope| scope != about.name) {
            return None;
        }
        about.variables.iter().find(|v| v.name == name)
    }

    fn require_known(&self, strategies: &[&Registered]) -> Result<()> {
        if strategies.iter().any(|strategy| self.of(strategy).is_some()) {
            return Ok(());
        }
        let Self { option, name: given, .. } = self;
        let (scope, name) = self.parts();
        let meant = |near: Option<String>| {
            near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
        };
        let trained = || strategies.iter().map(|s| s.about().name);
        let within: Vec<_> = strategies
            .iter()
            .filter(|s| scope.is_none_or(|scope| s.about().name == scope))
            .collect();
        if let (Some(scope), true) = (scope, within.is_empty()) {
            bail!("{option} {given}: {scope:?} is not trained{}", meant(nearest(scope, trained())));
        }
        let names = within.iter().flat_map(|s| s.about().variables).map(|v| v.name);
        let of = match within[..] {
            [one] => format!(" of {}", one.about().name),
            _ => " of any strategy trained".to_owned(),
        };
        bail!("{option} {given}: there is no variable {name:?}{of}{}", meant(nearest(name, names)));
    }

    fn restrict(&self, space: Space, variable: &Variable) -> Result<Space> {
        let restriction = match (self.option, Restriction::parse(&variable.domain, self.text)) {
            ("--fix", Some(one @ Restriction::Fixed(_))) => one,
            ("--range", Some(part)) => part,
            ("--fix", _) => bail!("{:?} is not a value of {}", self.text, variable.domain),
            _ => bail!("{:?} is no part of {}: expected FROM..TO", self.text, variable.domain),
        };
        Ok(space.restrict(variable.name, &restriction)?)
    }
}
