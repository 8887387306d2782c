/** Adds up what the test runs of a build server reported, and says it in one last line. */
import { readFileSync } from "node:fs";

interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
}

const [failedStepsText = "0", ...reportFiles] = process.argv.slice(2);
let passed = 0;
let failed = Number(failedStepsText);

for (const file of reportFiles) {
  const report = readReport(file);
  if (report === undefined || report.numPassedTests + report.numFailedTests === 0) {
    // A run that tested nothing must not look like one that found nothing wrong.
    console.log(`${file}: no test ran`);
    failed += 1;
    continue;
  }
  passed += report.numPassedTests;
  // A file that could not be loaded fails the run without a failed test.
  failed += report.success ? report.numFailedTests : Math.max(1, report.numFailedTests);
}

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

function readReport(file: string): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as TestReport;
  } catch {
    return undefined;
  }
}
