/** Checks what a page shows against the rules of WCAG 2.2, levels A and AA, as far as axe can. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** Each fault as one line: rule, where, what is wrong; empty when axe finds none. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const tags = JSON.stringify(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]);
  const results = (await page.evaluate(
    `axe.run(document, { runOnly: { type: "tag", values: ${tags} } })`,
  )) as axe.AxeResults;
  if (results.passes.length === 0) throw new Error("axe checked nothing");
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary ?? ""}`),
  );
}
