import { endpoint } from '../../http/endpoint.ts'

export const adminListTasks = endpoint('adminListTasks', async ({ query }, { administration }) => {
  const statuses = query.status ?? query.job_status
  const tasks = await administration.tasks.list({
    actions: query.action_name,
    resourceId: query.resource_id,
    // Nothing is ever cancelled here.
    statuses: statuses?.filter(status => status !== 'cancelled'),
    until: query.max_timestamp,
  })
  return {
    scheduled_tasks: tasks.map(({ taskId, action, status, createdTs, resourceId, result, error }) => ({
      id: taskId,
      action,
      status,
      timestamp_ms: createdTs,
      resource_id: resourceId,
      result: result ?? null,
      error: error ?? null,
    })),
  }
})
