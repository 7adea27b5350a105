import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { ConnectionCloser } from '../../src/peers/connection-closer.ts'
import { quietLogger } from './start-node.ts'

interface FakeConnection {
  readonly connection: Connection
  /** Resolves with the reason once it is aborted. */
  readonly aborted: Promise<Error>
  readonly calls: string[]
}

/** A connection whose peer does not let go: closing it waits for the signal. */
function stubborn(): FakeConnection {
  const calls: string[] = []
  const { promise: aborted, resolve } = Promise.withResolvers<Error>()
  const connection = {
    close({ signal }: { signal?: AbortSignal } = {}) {
      calls.push('close')
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    },
    abort(error: Error) {
      calls.push('abort')
      resolve(error)
    }
  } as unknown as Connection
  return { connection, aborted, calls }
}

const newCloser = () => new ConnectionCloser(quietLogger.forComponent('test'))

test('a connection that the peer does not let go of is cut off in the end', async () => {
  const { connection, aborted, calls } = stubborn()
  newCloser().close(connection)
  assert.equal((await aborted).name, 'TimeoutError')
  assert.deepEqual(calls, ['close', 'abort'])
})

test('it is cut off at once when the node stops, and nothing is left', async () => {
  const { connection, calls } = stubborn()
  const closer = newCloser()
  closer.close(connection)
  await closer.stop()
  assert.deepEqual(calls, ['close', 'abort'])
})

test('a connection is closed once, and known as one that we closed', async () => {
  const { connection, calls } = stubborn()
  const closer = newCloser()
  assert.equal(closer.has(connection), false)
  closer.close(connection)
  closer.close(connection)
  assert.equal(closer.has(connection), true)
  await closer.stop()
  assert.deepEqual(calls, ['close', 'abort'])
})
