/** What a tab shows before there is anything to show: what to do next, as commands that can be copied. */
import { element } from "./element.ts";

/** One thing to do. */
export interface NextStep {
  readonly text: string;
  readonly command: string;
}

type After = (delayMillis: number, callback: () => void) => void;

const COPIED_MILLIS = 2000;

/** A card with what to do next. `after` calls back once after so many milliseconds. */
export function emptyState(title: string, explanation: string, steps: readonly NextStep[], after: After): HTMLElement {
  const items = steps.map(({ text, command }) => {
    const code = element("pre", { tabindex: "0", role: "region", "aria-label": text }, element("code", {}, command));
    const copy = element("button", { type: "button", class: "copy" }, "Copy");
    copy.addEventListener("click", () => void copyText(command).then((copied) => tell(copy, copied, after)));
    // Pages that are not served securely have no clipboard.
    return element("li", {}, element("p", {}, text), code, ...("clipboard" in navigator ? [copy] : []));
  });
  return element(
    "section",
    { class: "card empty" },
    element("h2", {}, title),
    element("p", {}, explanation),
    element("ol", {}, ...items),
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function tell(copy: HTMLElement, copied: boolean, after: After): void {
  copy.textContent = copied ? "Copied" : "Select the text to copy it";
  after(COPIED_MILLIS, () => (copy.textContent = "Copy"));
}

/** What to do to see HTTP traffic. */
export function httpSteps(otlpOrigin: string): readonly NextStep[] {
  return [
    {
      text: "Start a Node app with the instrumentation. Its code does not change.",
      command: `OTEL_SERVICE_NAME=my-app OTEL_EXPORTER_OTLP_ENDPOINT=${otlpOrigin} \\\n  node --import otel-bandwidth/register app.js`,
    },
    {
      text: "Only where the receiver has a token (OTLP_TOKEN): give it to the app before.",
      command: 'export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer $OTLP_TOKEN"',
    },
    {
      text: "No app at hand? The demo has one, with a receiver and a page of its own; it prints their addresses.",
      command: "otel-bandwidth demo",
    },
  ];
}

/** What to do to see meetings. */
export function webrtcSteps(bridgeOrigin: string): readonly NextStep[] {
  return [
    {
      text: "Make a token for a participant, with the receiver's secret (BRIDGE_JWT_SECRET). A receiver without one has printed a token at its start.",
      command: "otel-bandwidth token --meeting my-meeting --participant me",
    },
    {
      text: "In the page that holds the calls, start a monitor with the participant's token.",
      command: `import { monitorPeerConnections } from "otel-bandwidth/browser";\n\nconst monitor = monitorPeerConnections({\n  url: "${bridgeOrigin}",\n  token,\n  observe: "all",\n});`,
    },
  ];
}
