import { join, relative } from 'node:path'
import { ControlError } from './cli-error.ts'

/** Longest path of a Unix domain socket, without its closing zero: sizeof sun_path is 108 on Linux and 104 on the BSDs and macOS. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103

/**
 * The path of the control socket of a data directory, from the working directory where that is shorter.
 *
 * @throws {ControlError} `CONTROL_PATH_TOO_LONG`
 */
export function controlSocketPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock')
  const candidates = [path, relative(process.cwd(), path)]
  const shortest = candidates.toSorted((a, b) => Buffer.byteLength(a) - Buffer.byteLength(b))[0] as string
  if (Buffer.byteLength(shortest) > MAX_SOCKET_PATH)
    throw new ControlError(
      'CONTROL_PATH_TOO_LONG',
      `the control socket ${path} has a longer path than the ${MAX_SOCKET_PATH} bytes that this system allows`
    )
  return shortest
}
