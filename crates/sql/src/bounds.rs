//! What a plan may hold, once its constants are worked out: nothing could interrupt what these would do.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Like, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::error::Oversized;
use crate::functions::LARGEST_CONSTANT;
use crate::threads::is_given_up;

/// The most bytes of all constants together: each may be repeated for every row of a batch, all of them at once.
const MOST_CONSTANTS: u64 = 2 * LARGEST_CONSTANT;

/// Refuses a plan that holds too much.
pub(crate) fn hold(plan: &LogicalPlan) -> Result<()> {
    let mut constants = 0_u64;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                constants = constants.saturating_add(bytes(expr));
                one_pattern(expr)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    if constants > MOST_CONSTANTS {
        return Err(DataFusionError::External(Box::new(Oversized {
            function: "the statement's constants".to_owned(),
            makes: constants,
            limit: MOST_CONSTANTS,
        })));
    }
    Ok(())
}

/// Puts a question into the condition of every join: whether the statement was given up. A join of millions with
/// thousands, of which no pair is a row, comes to no other place where it could be stopped.
pub(crate) fn interruptible(plan: LogicalPlan) -> Result<LogicalPlan> {
    let asks = Arc::new(ScalarUDF::new_from_impl(UnlessGivenUp {
        signature: Signature::exact(vec![DataType::Boolean], Volatility::Volatile),
    }));
    plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(mut join) => {
            let filter = join.filter.take();
            let asked = filter.is_some();
            join.filter = filter.map(|filter| asks.call(vec![filter]));
            let join = LogicalPlan::Join(join);
            Ok(if asked {
                Transformed::yes(join)
            } else {
                Transformed::no(join)
            })
        }
        other => Ok(Transformed::no(other)),
    })
    .data()
}

/// Its argument.
#[derive(Debug, PartialEq, Eq, Hash)]
struct UnlessGivenUp {
    signature: Signature,
}

impl ScalarUDFImpl for UnlessGivenUp {
    fn name(&self) -> &str {
        "unless_given_up"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(condition) if !is_given_up() => Ok(condition),
            _ => exec_err!("the statement was given up"),
        }
    }
}

/// Bytes of a constant that may be long.
fn bytes(expr: &Expr) -> u64 {
    let Expr::Literal(value, _) = expr else {
        return 0;
    };
    let bytes = match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_ref().map_or(0, String::len)
        }
        ScalarValue::Binary(bytes)
        | ScalarValue::LargeBinary(bytes)
        | ScalarValue::BinaryView(bytes) => bytes.as_ref().map_or(0, Vec::len),
        ScalarValue::List(list) => list.get_array_memory_size(),
        ScalarValue::LargeList(list) => list.get_array_memory_size(),
        _ => 0,
    };
    bytes as u64
}

/// A pattern takes up to a second to be made ready, so there is one for all rows.
fn one_pattern(expr: &Expr) -> Result<()> {
    let pattern = match expr {
        Expr::SimilarTo(Like { pattern, .. }) => pattern,
        Expr::BinaryExpr(BinaryExpr {
            op:
                Operator::RegexMatch
                | Operator::RegexIMatch
                | Operator::RegexNotMatch
                | Operator::RegexNotIMatch,
            right,
            ..
        }) => right,
        _ => return Ok(()),
    };
    match pattern.as_ref() {
        Expr::Literal(..) => Ok(()),
        _ => plan_err!("the pattern of ~ and SIMILAR TO must be one text, not one for each row"),
    }
}
