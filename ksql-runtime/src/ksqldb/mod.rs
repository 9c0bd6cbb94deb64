//! ksqlDB over its REST API: statements, status, typed pull and push queries.
