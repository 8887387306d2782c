/** The text of the worker's bundle. The build puts it here; without a build there is none, and no worker. */
export const WORKER_SOURCE: string = "";
