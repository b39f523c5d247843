"""The specification and the judgement: scenario, clauses, model, judge. No input or output."""
