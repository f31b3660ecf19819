import type { Service } from '../service.ts'
import type { Server } from './server.ts'
export function addInvoiceRoutes(_server: Server, _service: Service): void {}
