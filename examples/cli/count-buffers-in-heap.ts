import { setFlagsFromString } from 'node:v8'

const NODE_MAJOR = Number(process.versions.node.split('.')[0])

/**
 * Have V8 count network buffers, which lie outside its heap, against the limit of the whole, not against one of their own: that one makes
 * it collect all garbage every 70 ms, and halves what a node syncs in a second. V8 knows the flag since the version in Node 24; an older
 * Node does not start with it.
 */
export const BUFFERS_IN_HEAP: readonly string[] =
  NODE_MAJOR >= 24 ? ['--external-memory-accounted-in-global-limit'] : []

/** Sets the flags in this process. */
export function countBuffersInHeap(): void {
  for (const flag of BUFFERS_IN_HEAP) setFlagsFromString(flag)
}
