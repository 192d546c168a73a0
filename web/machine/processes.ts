// The processes of a machine as the page lists them.
import { TASK_PARENT, TASK_PID, TASK_WAIT_KIND, TaskState, WaitKind } from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import type { ProcessView } from "./types.ts";
import * as views from "./views.ts";

const WAITS: Partial<Record<WaitKind, string>> = {
  [WaitKind.child]: "waits for a child",
  [WaitKind.vfork]: "waits for its vfork child",
  [WaitKind.pipe]: "waits for a pipe",
  [WaitKind.timer]: "sleeps",
  [WaitKind.signal]: "waits for a signal",
  [WaitKind.disk]: "waits for the disk",
  [WaitKind.poll]: "waits for a descriptor",
  [WaitKind.futex]: "waits for a lock",
  [WaitKind.kthread]: "waits for work",
};

function doing(core: Core, task: views.Task, current: boolean): string {
  if (current) return "runs";
  switch (task.state) {
    case TaskState.running:
      return "ready";
    case TaskState.dead:
      return "ended";
    case TaskState.stopped:
      return "stopped";
    case TaskState.traced:
      return "stopped for its tracer";
    default:
      return WAITS[core.getU32(task.address + TASK_WAIT_KIND) as WaitKind] ?? "waits";
  }
}

/** Every process, kernel threads and the ended ones nobody has asked for included, by pid. */
export function processes(core: Core): ProcessView[] {
  const running = views.currentTask(core);
  return views
    .tasks(core)
    .map((task) => {
      const parent = core.getU32(task.address + TASK_PARENT);
      const current = task.address === running?.address && task.state !== TaskState.dead;
      return {
        pid: task.pid,
        parent: parent === 0 ? 0 : core.getU32(parent + TASK_PID),
        name: task.name,
        doing: doing(core, task, current),
        current,
        mapped: task.mm !== 0,
      };
    })
    .sort((a, b) => a.pid - b.pid);
}
