import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 count network buffers, which lie outside its heap, against the limit of the whole, not against one of their own: that one makes
 * it collect all garbage every 70 ms, and halves what a node syncs in a second. V8 knows the flag since the version in Node 24.
 */
export function countBuffersInHeap(): void {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= 24) setFlagsFromString('--external-memory-accounted-in-global-limit')
}
