import { Refusal } from '../../core/errors.ts'
import { parseJson } from '../../ingest/json.ts'
import type { Server } from './routes.ts'

/**
 * L4: the routes of a scope read JSON as the door of events does, so that `5.0000000000000000001` is refused or kept,
 * and never 5: a number that a double may not hold is an `ExactNumber`, wherever in the body it stands.
 */
export function parseExactBodies(scope: Pick<Server, 'removeContentTypeParser' | 'addContentTypeParser'>): void {
  scope.removeContentTypeParser('application/json')
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, parsed) => {
    const body = parseJson(String(text), 'nested')
    if (body.ok) parsed(null, body.value)
    else parsed(new Refusal('BODY_NOT_JSON', `the body is not JSON: ${body.error.message}`))
  })
}
