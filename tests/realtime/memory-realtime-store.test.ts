import { MemoryRealtimeStore } from "../../src/realtime/memory-realtime-store.ts";
import { realtimeStoreContract } from "../contract/realtime-store.ts";

realtimeStoreContract("MemoryRealtimeStore", async () => ({
  store: new MemoryRealtimeStore(),
  shards: [0, 1],
  close: async () => {},
}));
