import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LevelWithSilent, pino } from 'pino'
import { type ComponentLevels, pinoLogger } from '../../src/node/pino-logger.ts'

interface Line {
  level: number
  component: string
  msg: string
  err?: { message: string }
  peer?: string
  repeated?: number
}

function logs(level: LevelWithSilent, levels?: ComponentLevels) {
  const lines: Line[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  return { lines, logger: pinoLogger(pino({ level }, destination), levels) }
}

test('log, error and trace become debug, error and trace of the component', () => {
  const { lines, logger } = logs('trace')
  const log = logger.forComponent('soma-p2p:rpc')
  log('asked %d commits', 7)
  log.error('failed: %e', new Error('torn'))
  log.trace('in detail')
  assert.deepEqual(
    lines.map(({ level, component, msg }) => [level, component, msg]),
    [
      [20, 'soma-p2p:rpc', 'asked 7 commits'],
      [50, 'soma-p2p:rpc', 'failed: torn'],
      [10, 'soma-p2p:rpc', 'in detail']
    ]
  )
  assert.equal(lines[1]?.err?.message, 'torn')
})

test('libp2p is silent unless it is asked for', () => {
  const quiet = logs('trace')
  quiet.logger.forComponent('libp2p:tcp').error('a peer went away')
  assert.deepEqual(quiet.lines, [])

  const asked = logs('info', { libp2p: 'error' })
  asked.logger.forComponent('libp2p:tcp').error('a peer went away')
  assert.equal(asked.lines.length, 1)
})

test('the longest matching component name decides, at a whole segment', () => {
  const { lines, logger } = logs('info', { soma: 'silent', 'soma:sync': 'debug', 'soma:sync:range': 'error' })
  logger.forComponent('soma:rpc').error('silent')
  logger.forComponent('soma:sync')('heard')
  logger.forComponent('soma:syncing').error('silent too: another name')
  logger.forComponent('soma:sync').newScope('range')('not heard')
  logger.forComponent('soma:sync').newScope('tip')('heard too')
  assert.deepEqual(
    lines.map(({ component }) => component),
    ['soma:sync', 'soma:sync:tip']
  )
})

test('enabled says whether a line would be written', () => {
  const { logger } = logs('info', { loud: 'debug' })
  assert.equal(logger.forComponent('loud').enabled, true)
  assert.equal(logger.forComponent('other').enabled, false)
})

test('a peer that a line names is a field of it', () => {
  const { lines, logger } = logs('debug')
  logger.forComponent('x')('%p: %s', { toString: () => '12D3Koo' }, 'gone')
  assert.deepEqual([lines[0]?.peer, lines[0]?.msg], ['12D3Koo', '12D3Koo: gone'])
})

test('the same error is written three times a minute, and another is not held back by it', () => {
  const { lines, logger } = logs('info')
  const log = logger.forComponent('soma-p2p:rpc')
  for (let request = 0; request < 1_000; request++)
    log.error('a handler failed for %p', { toString: () => `Qm${request}` })
  log.error('the disk is gone')
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['a handler failed for Qm0', 'a handler failed for Qm1', 'a handler failed for Qm2', 'the disk is gone']
  )
})

test('errors are of one sort whatever they say, and lines that are not written hold nothing back', () => {
  const { lines, logger } = logs('info')
  const log = logger.forComponent('soma-p2p:rpc')
  for (let at = 0; at < 10; at++) log.error(new Error(`a peer wrote ${at}`))
  assert.equal(lines.length, 3)
  const silent = logger.forComponent('libp2p:tcp')
  for (let at = 0; at < 1_000; at++) silent.error(`connection ${at}`)
  log.error(new Error('a peer wrote more'))
  assert.equal(lines.length, 3)
})

test('an event has its own level, and its data as fields', () => {
  const { lines, logger } = logs('info')
  const log = logger.forComponent('soma-p2p:peers')
  assert.ok('event' in log && typeof log.event === 'function')
  log.event('warn', { event: 'banned', peer: '12D3Koo' }, '100% banned')
  assert.deepEqual(
    lines.map(({ level, component, msg, peer }) => [level, component, msg, peer]),
    [[40, 'soma-p2p:peers', '100% banned', '12D3Koo']]
  )
})

test('the formats of libp2p are known', () => {
  const { lines, logger } = logs('debug')
  const peer = { toString: () => '12D3Koo' }
  logger.forComponent('x')(
    '%p at %a, %b, 100%%, %s and more',
    peer,
    '/ip4/127.0.0.1',
    new Uint8Array([1, 255]),
    'text',
    9
  )
  assert.equal(lines[0]?.msg, '12D3Koo at /ip4/127.0.0.1, 01ff, 100%, text and more 9')
  logger.forComponent('x')(new Error('bare'))
  assert.match(lines[1]?.msg ?? '', /bare/)
  assert.equal(lines[1]?.err?.message, 'bare')
  logger.forComponent('x')('%s without a value')
  assert.equal(lines[2]?.msg, '%s without a value')
})

test('what a peer wrote cannot forge another line or steer a terminal', () => {
  const { lines, logger } = logs('debug')
  logger.forComponent('x')('agent %s', 'a\n\u001b[31mERROR forged\u2028\u202e\u009b')
  assert.equal(lines[0]?.msg, 'agent a [31mERROR forged ')
})

test('a line of a level that is off is never formatted', () => {
  const { logger } = logs('info')
  const value = {
    toString() {
      throw new Error('formatted')
    }
  }
  logger.forComponent('x')('%p', value)
})
