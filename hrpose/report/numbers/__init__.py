"""The numbers of a report, one module a section; all of them go into report.json as they are."""
