//! Guards around the functions that make much out of little, which no memory pool counts.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

use crate::error::Oversized;

/// Rows of a batch: a constant is repeated for each of them.
pub(crate) const BATCH: usize = 2048;
/// The most bytes that one call may make for one batch.
const LARGEST: u64 = 64 << 20;
/// The most bytes of a constant; a batch of them is what memory has to hold.
const LARGEST_CONSTANT: u64 = LARGEST * 4 / BATCH as u64;

/// How much a function makes of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Makes {
    /// The first argument as often as the second says.
    Copies,
    /// As many characters or elements as the second argument says.
    Padding,
    /// Every step from the first argument to the second.
    Series,
    /// All arguments, one after the other.
    Sum,
    /// The first argument, with the third in place of the second.
    Replacement,
}

const GUARDED: [(&str, Makes); 10] = [
    ("repeat", Makes::Copies),
    ("array_repeat", Makes::Copies),
    ("array_resize", Makes::Padding),
    ("lpad", Makes::Padding),
    ("rpad", Makes::Padding),
    ("range", Makes::Series),
    ("generate_series", Makes::Series),
    ("concat", Makes::Sum),
    ("concat_ws", Makes::Sum),
    ("replace", Makes::Replacement),
];

/// Their time grows with the product of two lengths within one row, where no limit can interrupt it.
const LEFT_OUT: [&str; 1] = ["levenshtein"];

/// Puts the guards in place of the functions, under all of their names.
pub(crate) fn guard(context: &SessionContext) {
    for name in LEFT_OUT {
        context.deregister_udf(name);
    }
    for (name, makes) in GUARDED {
        let found = context.state().scalar_functions().get(name).cloned();
        if let Some(inner) = found {
            context.register_udf(ScalarUDF::new_from_impl(Guarded { inner, makes }));
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Guarded {
    inner: Arc<ScalarUDF>,
    makes: Makes,
}

impl ScalarUDFImpl for Guarded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<arrow::datatypes::FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.makes.check(self.name(), &args)?;
        self.inner.invoke_with_args(args)
    }
}

impl Makes {
    pub(crate) fn check(self, function: &str, args: &ScalarFunctionArgs) -> Result<()> {
        let constant = args
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let (rows, limit) = if constant {
            (1, LARGEST_CONSTANT)
        } else {
            (args.number_rows, LARGEST)
        };
        let bytes = self.bytes(&args.args, rows)?;
        if bytes > limit {
            return Err(DataFusionError::External(Box::new(Oversized {
                function: function.to_owned(),
                bytes,
                limit,
            })));
        }
        Ok(())
    }

    /// About how many bytes a call makes; what cannot be told is left to the other limits.
    fn bytes(self, args: &[ColumnarValue], rows: usize) -> Result<u64> {
        match self {
            Self::Copies => {
                let [value, times, ..] = args else {
                    return Ok(0);
                };
                let times = total(&integers(times, rows)?);
                Ok(times.saturating_mul(widest(value)))
            }
            Self::Padding => {
                let [_, length, ..] = args else {
                    return Ok(0);
                };
                Ok(total(&integers(length, rows)?).saturating_mul(4))
            }
            Self::Series => series(args, rows),
            Self::Sum => Ok(args
                .iter()
                .fold(0, |sum, value| sum.saturating_add(size(value, rows)))),
            Self::Replacement => {
                let [text, from, to, ..] = args else {
                    return Ok(0);
                };
                let growth = widest(to).div_ceil(narrowest(from));
                Ok(size(text, rows).saturating_mul(growth))
            }
        }
    }
}

fn series(args: &[ColumnarValue], rows: usize) -> Result<u64> {
    let zero = ColumnarValue::from(datafusion::common::ScalarValue::Int64(Some(0)));
    let (from, to) = match args {
        [to] => (&zero, to),
        [from, to, ..] => (from, to),
        [] => return Ok(0),
    };
    if !from.data_type().is_integer() {
        return Ok(0);
    }
    let from = integers(from, rows)?;
    let to = integers(to, rows)?;
    let step = args.get(2).map(|step| integers(step, rows)).transpose()?;
    let mut bytes = 0_u64;
    for row in 0..rows {
        if let (Some(from), Some(to)) = (from[row], to[row]) {
            let step = step.as_ref().and_then(|s| s[row]).unwrap_or(1);
            let steps = to.abs_diff(from) / step.unsigned_abs().max(1);
            bytes = bytes.saturating_add(steps.saturating_mul(8));
        }
    }
    Ok(bytes)
}

fn integers(value: &ColumnarValue, rows: usize) -> Result<Vec<Option<i64>>> {
    let array = cast(&value.to_array(rows)?, &DataType::Int64)?;
    Ok(array.as_primitive::<Int64Type>().iter().collect())
}

fn total(numbers: &[Option<i64>]) -> u64 {
    numbers
        .iter()
        .flatten()
        .filter_map(|n| u64::try_from(*n).ok())
        .fold(0, |sum, n| sum.saturating_add(n))
}

/// Bytes of a value in all rows.
fn size(value: &ColumnarValue, rows: usize) -> u64 {
    match value {
        ColumnarValue::Scalar(_) => widest(value).saturating_mul(rows as u64),
        ColumnarValue::Array(array) => array.get_array_memory_size() as u64,
    }
}

/// Bytes of the narrowest text, at least one.
fn narrowest(value: &ColumnarValue) -> u64 {
    match value {
        ColumnarValue::Scalar(_) => widest(value),
        ColumnarValue::Array(_) => 1,
    }
}

/// Bytes of the widest value, at least one.
fn widest(value: &ColumnarValue) -> u64 {
    let Ok(array) = value.to_array(1) else {
        return 1;
    };
    let texts = match array.data_type() {
        DataType::Utf8 => array
            .as_string::<i32>()
            .iter()
            .flatten()
            .map(str::len)
            .max(),
        DataType::LargeUtf8 => array
            .as_string::<i64>()
            .iter()
            .flatten()
            .map(str::len)
            .max(),
        DataType::Utf8View => array.as_string_view().iter().flatten().map(str::len).max(),
        _ => Some(array.get_array_memory_size() / array.len().max(1)),
    };
    texts.unwrap_or(0).max(1) as u64
}
