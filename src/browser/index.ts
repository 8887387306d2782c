/** `otel-bandwidth/browser`: what a page imports. */
export {
  monitorPeerConnections,
  type MonitorOptions,
  type PeerConnectionMonitor,
  type PeerConnectionSample,
} from "./monitor-peer-connections.ts";
