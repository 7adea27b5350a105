import type { StatsFs } from 'node:fs'
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../runtime/clock.ts'

/** A chain is thousands of files: they are looked at once in so many milliseconds. */
const SIZE_MAX_AGE_MS = 60_000

/** Adds how large a directory is, and how much room there is beside it. What cannot be read is not shown. */
export function addDirectoryMetrics(registry: Registry, directory: string, clock: Clock): void {
  let sizeAt = Number.NEGATIVE_INFINITY
  new Gauge({
    name: 'soma_p2p_store_size_bytes',
    help: 'Bytes of the files in the directory of the node, looked at once a minute',
    registers: [registry],
    async collect() {
      if (clock.monotonic() - sizeAt < SIZE_MAX_AGE_MS) return
      sizeAt = clock.monotonic()
      const size = await sizeOf(directory)
      if (size === undefined) this.remove()
      else this.set(size)
    }
  })
  const ofFilesystem = (name: string, help: string, read: (stats: StatsFs) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const stats = await statfs(directory).catch(() => undefined)
        if (stats === undefined) this.remove()
        else this.set(read(stats))
      }
    })
  ofFilesystem(
    'soma_p2p_store_filesystem_available_bytes',
    'Bytes that the node may still write to the file system of its directory',
    ({ bavail, bsize }) => bavail * bsize
  )
  ofFilesystem(
    'soma_p2p_store_filesystem_size_bytes',
    'Bytes of the file system of the directory of the node',
    ({ blocks, bsize }) => blocks * bsize
  )
}

/** Files that go away meanwhile, as those of a database do, count nothing. */
async function sizeOf(directory: string): Promise<number | undefined> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => undefined)
  if (entries === undefined) return undefined
  let bytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    bytes += await stat(join(entry.parentPath, entry.name)).then(
      ({ size }) => size,
      () => 0
    )
  }
  return bytes
}
