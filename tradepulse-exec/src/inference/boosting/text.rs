use std::fmt::{Display, Write};

use super::bins::Bins;
use super::tree::{Leaf, Node, Tree};
use super::{BoostingSettings, Objective};

/// A model that is to be written.
pub(super) struct Model<'a> {
    pub(super) settings: &'a BoostingSettings,
    pub(super) names: &'a [String],
    pub(super) bins: &'a [Bins],
    pub(super) trees: &'a [Tree],
}

/// Bits of a node's decision in the text.
const MISSING_LEFT: u8 = 2;
const MISSING_IS_NAN: u8 = 8;

impl Model<'_> {
    /// The model as LightGBM writes it.
    pub(super) fn text(&self, importance: &[(u32, f64)]) -> String {
        let trees: Vec<String> =
            self.trees.iter().enumerate().map(|(i, tree)| tree_text(i, tree)).collect();
        let objective = match self.settings.objective {
            Objective::Binary => "binary sigmoid:1".to_owned(),
            Objective::Multiclass { classes } => format!("multiclass num_class:{classes}"),
            Objective::Regression => "regression".to_owned(),
        };
        let classes = self.settings.objective.trees_per_round();
        let infos = self.bins.iter().map(|bins| match bins.span {
            Some((low, high)) if low < high => format!("[{low:?}:{high:?}]"),
            _ => "none".to_owned(),
        });
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = write!(
            text,
            "tree\nversion=v4\nnum_class={classes}\nnum_tree_per_iteration={classes}\n\
             label_index=0\nmax_feature_idx={}\nobjective={objective}\nfeature_names={}\n\
             feature_infos={}\ntree_sizes={}\n\n",
            self.names.len() - 1,
            self.names.join(" "),
            joined(infos),
            joined(trees.iter().map(String::len)),
        );
        trees.iter().for_each(|tree| text.push_str(tree));
        text.push_str("end of trees\n\nfeature_importances:\n");
        let mut ranked: Vec<(u32, &String)> =
            importance.iter().map(|(count, _)| *count).zip(self.names).collect();
        ranked.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        for (count, name) in ranked.into_iter().filter(|(count, _)| *count > 0) {
            let _ = writeln!(text, "{name}={count}");
        }
        let settings = self.settings;
        let _ = write!(
            text,
            "\nparameters:\n[boosting: gbdt]\n[objective: {}]\n[num_iterations: {}]\n\
             [learning_rate: {}]\n[num_leaves: {}]\n[min_data_in_leaf: {}]\n\
             [min_sum_hessian_in_leaf: {}]\n[lambda_l2: {}]\n[max_bin: {}]\n\
             [feature_fraction: {}]\n[bagging_fraction: {}]\n[num_class: {classes}]\n[seed: {}]\n\
             end of parameters\n\npandas_categorical:null\n",
            settings.objective.name(),
            settings.rounds,
            settings.learning_rate,
            settings.max_leaves,
            settings.min_rows_in_leaf,
            settings.min_hessian_in_leaf,
            settings.l2,
            settings.max_bins,
            settings.feature_fraction,
            settings.row_fraction,
            settings.seed.0,
        );
        text
    }
}

fn tree_text(number: usize, tree: &Tree) -> String {
    let Tree { nodes, leaves, shrinkage } = tree;
    let mut text = format!("Tree={number}\nnum_leaves={}\nnum_cat=0\n", leaves.len());
    let mut line = |name: &str, values: String| {
        let _ = writeln!(text, "{name}={values}");
    };
    let of_nodes = |value: &dyn Fn(&Node) -> String| joined(nodes.iter().map(value));
    let of_leaves = |value: &dyn Fn(&Leaf) -> String| joined(leaves.iter().map(value));
    line("split_feature", of_nodes(&|node| node.feature.to_string()));
    line("split_gain", of_nodes(&|node| number_text(node.gain)));
    line("threshold", of_nodes(&|node| number_text(node.threshold)));
    line("decision_type", of_nodes(&|node| decision(node).to_string()));
    line("left_child", of_nodes(&|node| node.left.to_string()));
    line("right_child", of_nodes(&|node| node.right.to_string()));
    line("leaf_value", of_leaves(&|leaf| number_text(leaf.value)));
    line("leaf_weight", of_leaves(&|leaf| number_text(leaf.weight)));
    line("leaf_count", of_leaves(&|leaf| leaf.rows.to_string()));
    line("internal_value", of_nodes(&|node| number_text(node.value)));
    line("internal_weight", of_nodes(&|node| number_text(node.weight)));
    line("internal_count", of_nodes(&|node| node.rows.to_string()));
    line("is_linear", "0".to_owned());
    line("shrinkage", number_text(*shrinkage));
    text.push_str("\n\n");
    text
}

fn decision(node: &Node) -> u8 {
    match (node.knows_missing, node.missing_left) {
        (false, _) => MISSING_LEFT,
        (true, false) => MISSING_IS_NAN,
        (true, true) => MISSING_IS_NAN | MISSING_LEFT,
    }
}

/// The shortest text that is read as the same number.
fn number_text(value: f64) -> String {
    // What all values but missing ones are below is written as a number that can be read.
    if value == f64::INFINITY { "1.7976931348623157e308".to_owned() } else { format!("{value:?}") }
}

fn joined(values: impl IntoIterator<Item = impl Display>) -> String {
    let mut text = String::new();
    for (i, value) in values.into_iter().enumerate() {
        let _ = if i == 0 { write!(text, "{value}") } else { write!(text, " {value}") };
    }
    text
}
