/**
 * What the evaluator of alerts takes from the settings, and how a change of alerts is told in the receiver's messages.
 */
import type { AlertEvaluatorOptions } from "../alerts/alert-evaluator.ts";
import { ALERT_RULES } from "../alerts/alert-rules.ts";
import type { AlertsChange } from "../alerts/alert-view.ts";
import type { AlertSettings } from "../model/alert-rule.ts";
import type { LiveAlert } from "../model/live-alert.ts";
import type { ReceiverSettings } from "./settings.ts";

/** The settings that thresholds are made of. */
export function alertSettingsOf(settings: ReceiverSettings): AlertSettings {
  return {
    httpP95Millis: settings.alertHttpP95Millis,
    poorShare: settings.alertPoorShare,
    turnCostPerHour: settings.alertTurnCostPerHour,
    packetLoss: settings.alertPacketLoss,
    errorRatio: settings.alertErrorRatio,
    persistIntervalMillis: settings.persistIntervalMillis,
  };
}

/** Rules, thresholds and messages. */
export function alertOptions(
  settings: ReceiverSettings,
  report: (message: string) => void,
): Pick<AlertEvaluatorOptions, "rules" | "settings" | "alertsChanged" | "report"> {
  return {
    rules: ALERT_RULES,
    settings: alertSettingsOf(settings),
    report,
    alertsChanged: ({ started, resolved }: AlertsChange) => {
      for (const alert of started) report(`alert ${alert.rule} fires (${alert.severity}), ${figures(alert)}`);
      for (const alert of resolved) report(`alert ${alert.rule} is resolved, ${figures(alert)}`);
    },
  };
}

function figures({ rule, scope, value, threshold }: LiveAlert): string {
  const unit = ALERT_RULES.find(({ id }) => id === rule)?.unit ?? "1";
  const shown = unit === "1" ? "" : ` ${unit.replaceAll(/[{}]/g, "")}`;
  return `${scope}: ${Number(value.toPrecision(4))}${shown}, the limit is ${threshold}${shown}`;
}
