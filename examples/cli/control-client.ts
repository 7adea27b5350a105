import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import { ControlError } from './cli-error.ts'
import { controlSocketPath } from './control-socket.ts'

/** A status is read at once from memory; a node that takes longer is in trouble. */
const DEFAULT_TIMEOUT_MS = 10_000

/**
 * Asks the node that runs on a data directory.
 *
 * @param route method and path, such as `GET /status` or `POST /ban?peer=...`
 * @throws {ControlError} `CONTROL_NO_NODE`, `CONTROL_TIMEOUT`, `CONTROL_REFUSED`, `CONTROL_UNAVAILABLE`, `CONTROL_PATH_TOO_LONG`
 */
export async function askNode(dataDir: string, route: string, options: { timeoutMs?: number } = {}): Promise<unknown> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const socketPath = controlSocketPath(dataDir)
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await send(socketPath, route, signal)
    const body = await json(response)
    if (response.statusCode === 200) return body
    const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : body
    throw new ControlError('CONTROL_REFUSED', `the node answered: ${String(message)}`)
  } catch (cause) {
    if (cause instanceof ControlError) throw cause
    if (signal.aborted)
      throw new ControlError('CONTROL_TIMEOUT', `the node on ${dataDir} gave no answer in ${timeoutMs / 1000} s`, {
        cause
      })
    if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes(errorCode(cause)))
      throw new ControlError('CONTROL_NO_NODE', `no node is running on ${dataDir}`, { cause })
    throw new ControlError('CONTROL_UNAVAILABLE', `cannot ask the node on ${dataDir}: ${toError(cause).message}`, {
      cause
    })
  }
}

function send(socketPath: string, route: string, signal: AbortSignal): Promise<IncomingMessage> {
  const [method, path] = route.split(' ')
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path, signal, agent: false }, resolve).on('error', reject).end()
  })
}
