import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorCode, SomaError, toError } from '../../src/runtime/soma-error.ts'
import { WireError } from '../../src/runtime/wire-error.ts'

class ExampleError extends SomaError<'EXAMPLE'> {}

describe('SomaError', () => {
  it('carries its code, its class name and its cause', () => {
    const cause = new Error('beneath')
    const error = new ExampleError('EXAMPLE', 'above', { cause })
    assert.deepEqual([error.code, error.name, error.message, error.cause], ['EXAMPLE', 'ExampleError', 'above', cause])
  })

  it('names the field of a wire error', () => {
    const error = new WireError('WIRE_TOO_MANY', 'Block.ancestors', 'more than 1000')
    assert.deepEqual([error.field, error.message], ['Block.ancestors', 'Block.ancestors: more than 1000'])
  })
})

describe('toError', () => {
  it('leaves errors as they are', () => {
    const error = new Error('as it is')
    assert.equal(toError(error), error)
  })

  it('takes the error out of an event, which libp2p streams reject with', () => {
    const error = new Error('inside')
    assert.equal(toError(Object.assign(new Event('close'), { error })), error)
  })

  it('wraps anything else', () => {
    assert.equal(toError('text').message, 'text')
    assert.equal(toError(undefined).message, 'undefined')
    assert.ok(toError(new Event('close')) instanceof Error)
  })
})

describe('errorCode', () => {
  it('prefers the code, then the name', () => {
    assert.equal(errorCode(new ExampleError('EXAMPLE', '')), 'EXAMPLE')
    assert.equal(errorCode(Object.assign(new Error(''), { code: 'ENOENT' })), 'ENOENT')
    assert.equal(errorCode(Object.assign(new Error(''), { code: 7 })), 'Error')
    assert.equal(errorCode(new TypeError('')), 'TypeError')
    assert.equal(errorCode('text'), 'Error')
  })
})
