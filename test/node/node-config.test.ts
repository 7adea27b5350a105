import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NODE_DEFAULTS, resolveConfig } from '../../src/node/node-config.ts'
import { NodeError } from '../../src/node/node-error.ts'
import type { NodeConfig } from '../../src/node/soma-node.ts'

const DEFAULTS = { privateNetwork: false }

function refuses(given: Partial<NodeConfig> | Record<string, unknown>, message: RegExp): void {
  assert.throws(
    () => resolveConfig(given, DEFAULTS),
    (thrown: unknown) => {
      assert.ok(thrown instanceof NodeError)
      assert.equal(thrown.code, 'CONFIG_INVALID')
      assert.match(thrown.message, message)
      return true
    }
  )
}

describe('resolveConfig', () => {
  it('fills in the defaults, and keeps what is given', () => {
    assert.deepEqual(resolveConfig({}, DEFAULTS), { ...NODE_DEFAULTS, ...DEFAULTS })
    assert.equal(resolveConfig({ commitsPerRange: 7, privateNetwork: true }, DEFAULTS).commitsPerRange, 7)
    assert.equal(
      resolveConfig({ keepCommits: Number.POSITIVE_INFINITY }, DEFAULTS).keepCommits,
      Number.POSITIVE_INFINITY
    )
  })

  it('names the key that is wrong, and what it should be', () => {
    refuses({ commitsPerRange: 101 }, /config\.commitsPerRange is 101; it should be a whole number from 1 to 100$/)
    refuses({ commitsPerRange: 0 }, /config\.commitsPerRange/)
    refuses({ maxRangesInFlight: 1.5 }, /config\.maxRangesInFlight is 1\.5/)
    refuses({ maxBytesInFlight: Number.NaN }, /config\.maxBytesInFlight/)
    refuses({ keepCommits: 0 }, /config\.keepCommits is 0; .*or Infinity$/)
    refuses({ targetConnections: Number.POSITIVE_INFINITY }, /config\.targetConnections/)
    refuses({ targetConnections: 50, maxConnections: 10 }, /config\.maxConnections/)
    refuses({ encryption: 'none' }, /config\.encryption is none; it should be noise or tls$/)
    refuses({ comitsPerRange: 5 }, /config\.comitsPerRange is no knob/)
  })
})
