//! All rules over one entity, and over the whole model.
