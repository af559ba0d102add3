//! LightGBM's own library as a learner, loaded at run time.
//!
//! It is taken from `LIGHTGBM_DYLIB_PATH`, or from where systems and Python keep it; nothing of it is
//! needed to build. Models are its own text, which [`lightgbm`](super::lightgbm) reads.
//!
//! This is the only module with `unsafe` in it: calls of C functions that were looked up by their
//! names, with the types of LightGBM's `c_api.h`, which have been the same since version 3.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::Arc;

use libloading::Library;

use super::boosting::{BoostingSettings, Objective, Table};
use super::learner::{Learner, LearnerError, Learnt, TreeGrowth};

/// How to get the library.
pub const HOW_TO_GET_IT: &str =
    "pip install lightgbm, and LIGHTGBM_DYLIB_PATH=…/site-packages/lightgbm/lib/lib_lightgbm.so";

const NAME: &str = "LightGBM";
/// Where systems keep it.
const PLACES: [&str; 4] = [
    "lib_lightgbm.so",
    "/usr/lib/lib_lightgbm.so",
    "/usr/local/lib/lib_lightgbm.so",
    "/opt/homebrew/lib/lib_lightgbm.dylib",
];

/// `C_API_DTYPE_FLOAT64`.
const FLOAT64: c_int = 1;

type Handle = *mut c_void;

/// Boosted trees by LightGBM.
#[derive(Clone, Debug)]
pub struct LightGbmTrees {
    /// How they grow.
    pub growth: TreeGrowth,
    library: Arc<Library>,
}

/// Why there is no library.
#[derive(Debug, thiserror::Error)]
#[error("LightGBM's library was not found ({tried}): {HOW_TO_GET_IT}")]
pub struct NoLibrary {
    tried: String,
}

impl LightGbmTrees {
    /// With the library at `LIGHTGBM_DYLIB_PATH`, or else where it is usually found.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub fn find(growth: TreeGrowth) -> Result<Self, NoLibrary> {
        let named = std::env::var_os("LIGHTGBM_DYLIB_PATH").map(PathBuf::from);
        let places = match named {
            Some(path) => vec![path],
            None => PLACES.iter().map(PathBuf::from).collect(),
        };
        let mut tried = Vec::new();
        for place in places {
            match Self::load(&place, growth) {
                Ok(found) => return Ok(found),
                Err(NoLibrary { tried: why }) => tried.push(why),
            }
        }
        Err(NoLibrary { tried: tried.join("; ") })
    }

    /// With the library in this file.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub fn load(path: &Path, growth: TreeGrowth) -> Result<Self, NoLibrary> {
        // SAFETY: loading runs the library's initialisers. Which file that is is the choice of
        // whoever set the path, as for any program they run; LightGBM's do nothing but set up
        // OpenMP and C++ statics.
        let library = unsafe { Library::new(path) };
        match library {
            Ok(library) => Ok(Self { growth, library: Arc::new(library) }),
            Err(error) => Err(NoLibrary { tried: format!("{}: {error}", path.display()) }),
        }
    }
}

impl Learner for LightGbmTrees {
    fn name(&self) -> &'static str {
        "lightgbm"
    }

    fn learn(
        &self,
        objective: Objective,
        rows: &Table<'_>,
        validation: Option<&Table<'_>>,
    ) -> Result<Learnt, LearnerError> {
        let settings = self.growth.settings(objective, rows.rows());
        rows.check(objective)?;
        let parameters = parameters(&settings)?;
        let training = Dataset::new(&self.library, rows, &parameters, None)?;
        let held_out = match validation {
            Some(table) => {
                table.check(objective)?;
                Some(Dataset::new(&self.library, table, &parameters, Some(&training))?)
            }
            None => None,
        };
        let booster = Booster::new(&self.library, &training, held_out.as_ref(), &parameters)?;
        let (mut best, mut made) = ((f64::INFINITY, 0), 0);
        while made < settings.rounds {
            let finished = booster.update()?;
            if finished {
                break;
            }
            made += 1;
            let loss = if held_out.is_some() { booster.loss()? } else { -f64::from(made) };
            if loss < best.0 {
                best = (loss, made);
            }
            if settings.early_stopping.is_some_and(|patience| made - best.1 >= patience) {
                break;
            }
        }
        let rounds = best.1.max(1);
        Ok(Learnt {
            model: booster.text(rounds)?,
            extension: "txt",
            rounds: rounds as usize,
            validation_loss: held_out.is_some().then_some(best.0),
            importance: booster.importance(rounds, rows.names.len())?,
        })
    }
}

/// What the library is told, in its words.
fn parameters(settings: &BoostingSettings) -> Result<CString, LearnerError> {
    let (metric, classes) = match settings.objective {
        Objective::Binary => ("binary_logloss", 1),
        Objective::Multiclass { classes } => ("multi_logloss", classes),
        Objective::Regression => ("l2", 1),
    };
    let text = format!(
        "objective={} metric={metric} num_class={classes} learning_rate={} num_leaves={} \
         min_data_in_leaf={} min_sum_hessian_in_leaf={} lambda_l2={} max_bin={} \
         feature_fraction={} bagging_fraction={} bagging_freq=1 seed={} deterministic=true \
         force_row_wise=true num_threads=1 verbosity=-1 feature_pre_filter=false",
        settings.objective.name(),
        settings.learning_rate,
        settings.max_leaves,
        settings.min_rows_in_leaf,
        settings.min_hessian_in_leaf,
        settings.l2,
        settings.max_bins,
        settings.feature_fraction,
        settings.row_fraction,
        // It takes 31 bits.
        settings.seed.0 & 0x7fff_ffff,
    );
    CString::new(text).map_err(|error| failed(error.to_string()))
}

fn failed(reason: impl Into<String>) -> LearnerError {
    LearnerError::Failed { learner: NAME, reason: reason.into() }
}

/// Looks a function up and calls it: `call!(library, "name", (types), (arguments))`.
macro_rules! call {
    ($library:expr, $name:expr, ($($kind:ty),*), ($($argument:expr),* $(,)?)) => {{
        type Function = unsafe extern "C" fn($($kind),*) -> c_int;
        // SAFETY: the type is that of this name in LightGBM's `c_api.h`.
        let function = unsafe { $library.get::<Function>($name) };
        let function = function.map_err(|error| failed(error.to_string()))?;
        // SAFETY: every pointer is to memory that lives until the call has returned and is as long
        // as the lengths beside it say; handles were made by this library and are not freed yet.
        let code = unsafe { function($($argument),*) };
        check($library, code)
    }};
}

/// The library's own words, where a call failed.
fn check(library: &Library, code: c_int) -> Result<(), LearnerError> {
    if code == 0 {
        return Ok(());
    }
    type LastError = unsafe extern "C" fn() -> *const c_char;
    // SAFETY: the type is that of `LGBM_GetLastError` in `c_api.h`.
    let last = unsafe { library.get::<LastError>(b"LGBM_GetLastError\0") };
    let last = last.map_err(|error| failed(error.to_string()))?;
    // SAFETY: it answers a text that ends with a zero and belongs to this thread until its next
    // call; it is copied at once.
    let text = unsafe { CStr::from_ptr(last()) }.to_string_lossy().into_owned();
    Err(failed(text))
}

/// Rows in the library's form.
struct Dataset<'l> {
    library: &'l Library,
    handle: Handle,
}

impl<'l> Dataset<'l> {
    fn new(
        library: &'l Library,
        table: &Table<'_>,
        parameters: &CStr,
        like: Option<&Dataset<'_>>,
    ) -> Result<Self, LearnerError> {
        let (rows, columns) = (length(table.rows())?, length(table.columns.len())?);
        let values = table.columns.concat();
        let reference = like.map_or(null_mut(), |like| like.handle);
        let mut handle = null_mut();
        call!(
            library,
            b"LGBM_DatasetCreateFromMat\0",
            (*const c_void, c_int, i32, i32, c_int, *const c_char, Handle, *mut Handle),
            (
                values.as_ptr().cast(),
                FLOAT64,
                rows,
                columns,
                // Column by column.
                0,
                parameters.as_ptr(),
                reference,
                &raw mut handle,
            )
        )?;
        let dataset = Self { library, handle };
        // Labels are 32-bit numbers there.
        let labels: Vec<f32> = table.labels.iter().map(|label| *label as f32).collect();
        call!(
            library,
            b"LGBM_DatasetSetField\0",
            (Handle, *const c_char, *const c_void, c_int, c_int),
            (dataset.handle, c"label".as_ptr(), labels.as_ptr().cast(), rows, 0)
        )?;
        let names = table.names.iter().map(|name| CString::new(name.as_str()));
        let names: Vec<CString> =
            names.collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))?;
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        call!(
            library,
            b"LGBM_DatasetSetFeatureNames\0",
            (Handle, *mut *const c_char, c_int),
            (dataset.handle, pointers.as_mut_ptr(), columns)
        )?;
        Ok(dataset)
    }
}

impl Drop for Dataset<'_> {
    fn drop(&mut self) {
        let free = || call!(self.library, b"LGBM_DatasetFree\0", (Handle), (self.handle));
        // There is nothing to be done about it.
        let _ = free();
    }
}

/// A model that grows.
struct Booster<'l> {
    library: &'l Library,
    handle: Handle,
    // They have to outlive it.
    _rows: (&'l Dataset<'l>, Option<&'l Dataset<'l>>),
}

impl<'l> Booster<'l> {
    fn new(
        library: &'l Library,
        rows: &'l Dataset<'l>,
        validation: Option<&'l Dataset<'l>>,
        parameters: &CStr,
    ) -> Result<Self, LearnerError> {
        let mut handle = null_mut();
        call!(
            library,
            b"LGBM_BoosterCreate\0",
            (Handle, *const c_char, *mut Handle),
            (rows.handle, parameters.as_ptr(), &raw mut handle)
        )?;
        let booster = Self { library, handle, _rows: (rows, validation) };
        if let Some(validation) = validation {
            call!(
                library,
                b"LGBM_BoosterAddValidData\0",
                (Handle, Handle),
                (handle, validation.handle)
            )?;
        }
        Ok(booster)
    }

    /// One round more; whether there was nothing left to split.
    fn update(&self) -> Result<bool, LearnerError> {
        let mut finished: c_int = 0;
        call!(
            self.library,
            b"LGBM_BoosterUpdateOneIter\0",
            (Handle, *mut c_int),
            (self.handle, &raw mut finished)
        )?;
        Ok(finished != 0)
    }

    /// The loss on the validation rows.
    fn loss(&self) -> Result<f64, LearnerError> {
        // One metric is asked for; room for more than that costs nothing.
        let (mut count, mut values): (c_int, [f64; 8]) = (0, [0.0; 8]);
        call!(
            self.library,
            b"LGBM_BoosterGetEval\0",
            (Handle, c_int, *mut c_int, *mut f64),
            (self.handle, 1, &raw mut count, values.as_mut_ptr())
        )?;
        if count == 1 { Ok(values[0]) } else { Err(failed(format!("{count} losses"))) }
    }

    /// The model's text with so many rounds.
    fn text(&self, rounds: u32) -> Result<String, LearnerError> {
        let rounds = length(rounds as usize)?;
        let mut bytes: Vec<u8> = vec![0; 1 << 20];
        loop {
            let room = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            let mut needed = 0_i64;
            call!(
                self.library,
                b"LGBM_BoosterSaveModelToString\0",
                (Handle, c_int, c_int, c_int, i64, *mut i64, *mut c_char),
                // By gain.
                (self.handle, 0, rounds, 1, room, &raw mut needed, bytes.as_mut_ptr().cast())
            )?;
            let needed = usize::try_from(needed).map_err(|error| failed(error.to_string()))?;
            if needed <= bytes.len() {
                // The zero at the end is no text.
                bytes.truncate(needed.saturating_sub(1));
                return String::from_utf8(bytes).map_err(|error| failed(error.to_string()));
            }
            bytes.resize(needed, 0);
        }
    }

    /// Gain of the splits on each feature.
    fn importance(&self, rounds: u32, features: usize) -> Result<Vec<f64>, LearnerError> {
        let mut gains = vec![0.0; features];
        call!(
            self.library,
            b"LGBM_BoosterFeatureImportance\0",
            (Handle, c_int, c_int, *mut f64),
            (self.handle, length(rounds as usize)?, 1, gains.as_mut_ptr())
        )?;
        Ok(gains)
    }
}

impl Drop for Booster<'_> {
    fn drop(&mut self) {
        let free = || call!(self.library, b"LGBM_BoosterFree\0", (Handle), (self.handle));
        // There is nothing to be done about it.
        let _ = free();
    }
}

/// The library counts in 32 bits.
fn length(count: usize) -> Result<i32, LearnerError> {
    i32::try_from(count).map_err(|_| failed(format!("{count} are too many")))
}
