//! A query's explanation: its plan, its statements with the values of its parameters. Nothing is opened or connected.

use ksql_schema::query::holes;
pub use ksql_schema::query::{Explanation, explain::Stage};

use super::{ParameterError, Query};

/// The statements of a query with the values of its parameters, each ended by `;`.
///
/// # Errors
/// Where a value cannot be said in KSQL.
pub fn statements<Q: Query>(query: &Q) -> Result<Vec<String>, ParameterError> {
    let values = query.parameters()?;
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Q::KSQL
        .iter()
        .map(|text| {
            holes::fill(text, &values).map_err(|hole| ParameterError {
                query: Q::PLAN.name,
                // The hole's name is that of a parameter of the plan; else the macro and its query disagree.
                name: Q::PLAN
                    .parameters
                    .iter()
                    .find(|parameter| parameter.name == hole)
                    .map_or("", |parameter| parameter.name),
                defect: format!("`:{hole}` stands in the statement and has no value"),
            })
        })
        .collect()
}

/// What a query comes to. Where a parameter's value cannot be said, the statements keep their holes and the reason stands
/// in the value's place.
pub fn explain<Q: Query>(query: &Q) -> Explanation<'static> {
    match statements(query) {
        Ok(statements) => {
            let explanation = Explanation::new(Q::PLAN, &statements);
            let values = query.parameters().unwrap_or_default();
            values
                .into_iter()
                .fold(explanation, |explanation, (name, value)| {
                    explanation.parameter(name, value)
                })
        }
        Err(error) => Explanation::new(Q::PLAN, Q::KSQL).parameter(error.name, error.defect),
    }
}
