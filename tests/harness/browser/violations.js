// The serious and critical ones, a line each: the rule, what it says, the first elements and why.
return axe.run(document, { resultTypes: ["violations"] }).then((results) =>
  results.violations
    .filter((violation) => ["serious", "critical"].includes(violation.impact))
    .map((violation) => {
      const nodes = violation.nodes
        .slice(0, 3)
        .map((node) => `${node.target.join(" ")} (${node.failureSummary.replace(/\s+/g, " ")})`);
      return `${violation.id}: ${violation.help}: ${violation.nodes.length}x ${nodes.join("; ")}`;
    }),
);
