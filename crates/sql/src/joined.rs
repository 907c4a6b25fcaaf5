//! The operator `||` of texts as a guarded function: nested, it doubles what it is given with every step.

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::compute::kernels::concat_elements::concat_elements_utf8;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::functions::Makes;

/// Plans `||` of anything but lists as [`Joined`].
#[derive(Debug)]
pub(crate) struct Joins(Arc<ScalarUDF>);

impl Default for Joins {
    fn default() -> Self {
        Self(Arc::new(ScalarUDF::new_from_impl(Joined {
            signature: Signature::any(2, Volatility::Immutable),
        })))
    }
}

impl ExprPlanner for Joins {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat
            || expr.left.get_type(schema)?.is_nested()
            || expr.right.get_type(schema)?.is_nested()
        {
            return Ok(PlannerResult::Original(expr));
        }
        let RawBinaryExpr { left, right, .. } = expr;
        Ok(PlannerResult::Planned(self.0.call(vec![left, right])))
    }
}

/// Text and text; null where either is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined {
    signature: Signature,
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "string_concat"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Makes::Sum.check("||", &args)?;
        let constant = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(_));
        let constants = args.args.iter().all(constant);
        let rows = if constants { 1 } else { args.number_rows };
        let text = |at: usize| -> Result<StringArray> {
            let array = cast(&args.args[at].to_array(rows)?, &DataType::Utf8)?;
            Ok(array.as_string::<i32>().clone())
        };
        let joined = Arc::new(concat_elements_utf8(&text(0)?, &text(1)?)?);
        if constants {
            let value = ScalarValue::try_from_array(joined.as_ref(), 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(joined))
    }
}
