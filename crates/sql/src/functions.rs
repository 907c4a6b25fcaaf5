//! Guards around the functions that make much out of little, which no memory pool counts.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError, ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

use crate::error::Oversized;
use crate::threads::is_given_up;

/// Rows of a batch: a constant is repeated for each of them.
pub(crate) const BATCH: usize = 2048;
/// The most bytes that one call may make for one batch.
const LARGEST: u64 = 64 << 20;
/// The most bytes of a constant; a batch of them is what memory has to hold.
pub(crate) const LARGEST_CONSTANT: u64 = LARGEST * 4 / BATCH as u64;
/// Characters of the widest number that is written out.
const WIDEST_NUMBER: u64 = 24;

/// The most comparisons of pairs that one call may make: nothing can interrupt it.
const MOST_PAIRS: u64 = 1 << 24;
/// No directive of a format makes more characters of its two.
const LONGEST_DIRECTIVE: u64 = 32;

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
    /// All arguments but the first, with the first between them.
    Joined,
    /// Every element of the first argument, with the second between them.
    Elements,
    /// The first argument, with the third in place of the second.
    Replacement,
    /// The first argument, with the third in place of what the second matches.
    Substitution,
    /// What the second argument, a format, says.
    Formatted,
    /// Nothing much, but it compares each element of the first argument with each of the second.
    Pairs,
    /// Nothing, but it needs the second argument, a pattern, made ready.
    Pattern,
    /// No more than it is given, but it may take long over it.
    Little,
    /// A value of the type that the second argument names.
    Cast,
}

const GUARDED: [(&str, Makes); 48] = [
    ("repeat", Makes::Copies),
    ("array_repeat", Makes::Copies),
    ("array_resize", Makes::Padding),
    ("lpad", Makes::Padding),
    ("rpad", Makes::Padding),
    ("range", Makes::Series),
    ("generate_series", Makes::Series),
    ("concat", Makes::Sum),
    ("overlay", Makes::Sum),
    ("make_array", Makes::Sum),
    ("array_append", Makes::Sum),
    ("array_prepend", Makes::Sum),
    ("array_concat", Makes::Sum),
    ("concat_ws", Makes::Joined),
    ("array_to_string", Makes::Elements),
    ("replace", Makes::Replacement),
    ("translate", Makes::Sum),
    ("regexp_replace", Makes::Substitution),
    ("to_char", Makes::Formatted),
    ("array_has_any", Makes::Pairs),
    ("array_has_all", Makes::Pairs),
    ("regexp_like", Makes::Pattern),
    ("regexp_match", Makes::Pattern),
    ("regexp_count", Makes::Pattern),
    ("regexp_instr", Makes::Pattern),
    ("arrow_cast", Makes::Cast),
    ("arrow_try_cast", Makes::Cast),
    ("upper", Makes::Little),
    ("lower", Makes::Little),
    ("initcap", Makes::Little),
    ("reverse", Makes::Little),
    ("strpos", Makes::Little),
    ("contains", Makes::Little),
    ("split_part", Makes::Little),
    ("substr_index", Makes::Little),
    ("find_in_set", Makes::Little),
    ("string_to_array", Makes::Little),
    ("flatten", Makes::Little),
    ("arrays_zip", Makes::Little),
    ("array_sort", Makes::Little),
    ("array_except", Makes::Little),
    ("array_intersect", Makes::Little),
    ("array_union", Makes::Little),
    ("array_distinct", Makes::Little),
    ("array_position", Makes::Little),
    ("array_positions", Makes::Little),
    ("array_remove_all", Makes::Little),
    ("array_replace_all", Makes::Little),
];

/// Their time grows with the product of two lengths within one row, where no limit can interrupt it.
const LEFT_OUT: [&str; 1] = ["levenshtein"];

/// They run a function of the author's over the elements of lists, and that may hold another one: products without end.
const LEFT_OUT_OF_HIGHER_ORDER: [&str; 4] = [
    "array_any_match",
    "array_filter",
    "array_first",
    "array_transform",
];

/// Puts the guards in place of the functions, under all of their names and wherever an operator means one of them.
pub(crate) fn guard(context: &SessionContext) -> Result<()> {
    for name in LEFT_OUT {
        context.deregister_udf(name);
    }
    for name in LEFT_OUT_OF_HIGHER_ORDER {
        context.deregister_higher_order_function(name);
    }
    let mut guards = Guards::default();
    for (name, makes) in GUARDED {
        let inner = context.state().udf(name)?;
        let guarded = Arc::new(ScalarUDF::new_from_impl(Guarded { inner, makes }));
        context.register_udf(guarded.as_ref().clone());
        guards.0.insert(name, guarded);
    }
    let state = context.state_ref();
    let mut state = state.write();
    state.register_function_rewrite(Arc::new(guards))
}

/// The guarded functions by name. `[1, 2]`, `||` and `@>` of lists are planned as functions that no registry was asked for.
#[derive(Debug, Default)]
struct Guards(HashMap<&'static str, Arc<ScalarUDF>>);

impl FunctionRewrite for Guards {
    fn name(&self) -> &str {
        "guards"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::ScalarFunction(call) = expr else {
            return Ok(Transformed::no(expr));
        };
        match self.0.get(call.func.name()) {
            Some(guarded) if *guarded != call.func => {
                let call = ScalarFunction::new_udf(Arc::clone(guarded), call.args);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
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
        let field = self.inner.return_field_from_args(args)?;
        if has_fixed_size(field.data_type()) {
            return plan_err!("values of a fixed size cannot be made here");
        }
        Ok(field)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    /// A cast is one of the engine's own by the time it runs; what others become would be without their guards.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match self.makes {
            Makes::Cast => self.inner.simplify(args, info),
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if is_given_up() {
            return exec_err!("the statement was given up");
        }
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
        let rows = if constant { 1 } else { args.number_rows };
        let limit = match self {
            Self::Pairs => MOST_PAIRS,
            _ if constant => LARGEST_CONSTANT,
            _ => LARGEST,
        };
        let makes = self.amount(function, &args.args, rows)?;
        if makes > limit {
            return Err(DataFusionError::External(Box::new(Oversized {
                function: function.to_owned(),
                makes,
                limit,
            })));
        }
        Ok(())
    }

    /// About how many bytes a call makes, or pairs it compares; what cannot be told is left to the other limits.
    fn amount(self, function: &str, args: &[ColumnarValue], rows: usize) -> Result<u64> {
        match (self, args) {
            (Self::Copies, [value, times, ..]) => {
                let times = total(&integers(times, rows)?);
                Ok(times.saturating_mul(widest(value)))
            }
            (Self::Padding, [_, length, ..]) => {
                Ok(total(&integers(length, rows)?).saturating_mul(4))
            }
            (Self::Series, _) => series(args, rows),
            (Self::Sum, _) => Ok(sum(args, rows)),
            (Self::Joined, [separator, values @ ..]) => {
                let separators = size(separator, rows).saturating_mul(values.len() as u64);
                Ok(sum(values, rows).saturating_add(separators))
            }
            (Self::Elements, [list, separator, ..]) => {
                let elements = elements(list, rows)?;
                let each = widest(separator).saturating_add(WIDEST_NUMBER);
                Ok(size(list, rows).saturating_add(elements.saturating_mul(each)))
            }
            (Self::Replacement, [text, from, to, ..]) => {
                let growth = widest(to).div_ceil(narrowest(from));
                Ok(size(text, rows).saturating_mul(growth))
            }
            (Self::Substitution, [text, pattern, to, flags @ ..]) => {
                one_pattern(function, pattern)?;
                let text_size = size(text, rows).saturating_add(rows as u64);
                let to = widest(to);
                // Each `$1` in the replacement may stand for all of the text.
                let groups = text_size.saturating_mul(to / 2 + 1);
                let matches = if flags.is_empty() {
                    rows as u64
                } else {
                    text_size
                };
                Ok(groups.saturating_add(matches.saturating_mul(to)))
            }
            (Self::Formatted, [_, format, ..]) => {
                Ok(size(format, rows).saturating_mul(LONGEST_DIRECTIVE / 2))
            }
            (Self::Pairs, [one, other, ..]) => {
                let one = lengths(one, rows)?;
                let other = lengths(other, rows)?;
                let pairs = one.iter().zip(&other).map(|(a, b)| a.saturating_mul(*b));
                Ok(pairs.fold(0, u64::saturating_add))
            }
            (Self::Pattern, [_, pattern, ..]) => {
                one_pattern(function, pattern)?;
                Ok(0)
            }
            _ => Ok(0),
        }
    }
}

/// A pattern takes up to a second to be made ready, so there is one for all rows.
fn one_pattern(function: &str, pattern: &ColumnarValue) -> Result<()> {
    match pattern {
        ColumnarValue::Scalar(_) => Ok(()),
        ColumnarValue::Array(_) => {
            plan_err!("the pattern of {function} must be one text, not one for each row")
        }
    }
}

/// What a null of the type takes is for the type to say.
fn has_fixed_size(kind: &DataType) -> bool {
    match kind {
        DataType::FixedSizeBinary(_) | DataType::FixedSizeList(..) => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::Map(field, _) => has_fixed_size(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_fixed_size(field.data_type())),
        DataType::Dictionary(_, kind) => has_fixed_size(kind),
        DataType::RunEndEncoded(_, field) => has_fixed_size(field.data_type()),
        DataType::Union(fields, _) => fields
            .iter()
            .any(|(_, field)| has_fixed_size(field.data_type())),
        _ => false,
    }
}

fn series(args: &[ColumnarValue], rows: usize) -> Result<u64> {
    let zero = ColumnarValue::from(ScalarValue::Int64(Some(0)));
    let (from, to) = match args {
        [to] => (&zero, to),
        [from, to, ..] => (from, to),
        [] => return Ok(0),
    };
    let in_time = !from.data_type().is_integer();
    let ends = if in_time { instants } else { integers };
    let (from, to) = (ends(from, rows)?, ends(to, rows)?);
    let step = match args.get(2) {
        Some(step) if in_time => Some(intervals(step, rows)?),
        Some(step) => Some(integers(step, rows)?),
        None => None,
    };
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

/// Dates and times in microseconds.
fn instants(value: &ColumnarValue, rows: usize) -> Result<Vec<Option<i64>>> {
    let kind = DataType::Timestamp(TimeUnit::Microsecond, None);
    let array = cast(&value.to_array(rows)?, &kind)?;
    let times = array.as_primitive::<TimestampMicrosecondType>();
    Ok(times.iter().collect())
}

/// Intervals in microseconds, the shortest that they can be; one that is shorter counts as one.
fn intervals(value: &ColumnarValue, rows: usize) -> Result<Vec<Option<i64>>> {
    const DAY: i64 = 86_400_000_000;
    let kind = DataType::Interval(IntervalUnit::MonthDayNano);
    let array = cast(&value.to_array(rows)?, &kind)?;
    let intervals = array.as_primitive::<IntervalMonthDayNanoType>();
    let micros = |it: IntervalMonthDayNano| {
        let days = i64::from(it.months) * 28 + i64::from(it.days);
        days.saturating_mul(DAY)
            .saturating_add(it.nanoseconds / 1000)
    };
    Ok(intervals.iter().map(|it| it.map(micros)).collect())
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

/// Bytes of values in all rows, one after the other.
fn sum(values: &[ColumnarValue], rows: usize) -> u64 {
    let sizes = values.iter().map(|value| size(value, rows));
    sizes.fold(0, u64::saturating_add)
}

/// Bytes of a value in all rows.
fn size(value: &ColumnarValue, rows: usize) -> u64 {
    match value {
        ColumnarValue::Scalar(_) => widest(value).saturating_mul(rows as u64),
        ColumnarValue::Array(array) => text_lengths(array).map_or_else(
            || array.get_array_memory_size() as u64,
            |lengths| lengths.into_iter().sum(),
        ),
    }
}

/// How many elements a list has in each row.
fn lengths(value: &ColumnarValue, rows: usize) -> Result<Vec<u64>> {
    let array = value.to_array(rows)?;
    Ok((0..array.len())
        .map(|row| list_at(&array, row).map_or(0, |list| list.len() as u64))
        .collect())
}

/// How many elements there are in all rows, those of lists in lists among them.
fn elements(value: &ColumnarValue, rows: usize) -> Result<u64> {
    fn inner(array: &ArrayRef) -> u64 {
        (0..array.len())
            .map(|row| list_at(array, row).map_or(1, |list| inner(&list)))
            .fold(0, u64::saturating_add)
    }
    Ok(match value {
        ColumnarValue::Scalar(_) => inner(&value.to_array(1)?).saturating_mul(rows as u64),
        ColumnarValue::Array(array) => inner(array),
    })
}

fn list_at(array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(array.as_fixed_size_list().value(row)),
        _ => None,
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
    let widest = text_lengths(&array).map_or_else(
        || (array.get_array_memory_size() / array.len().max(1)) as u64,
        |lengths| lengths.into_iter().max().unwrap_or(0),
    );
    widest.max(1)
}

/// Bytes of each text, if these are texts: what an array holds may be more by far, for it shares with others.
fn text_lengths(array: &ArrayRef) -> Option<Vec<u64>> {
    let lengths = |texts: &mut dyn Iterator<Item = Option<&str>>| {
        texts.flatten().map(|text| text.len() as u64).collect()
    };
    match array.data_type() {
        DataType::Utf8 => Some(lengths(&mut array.as_string::<i32>().iter())),
        DataType::LargeUtf8 => Some(lengths(&mut array.as_string::<i64>().iter())),
        DataType::Utf8View => Some(lengths(&mut array.as_string_view().iter())),
        _ => None,
    }
}
