/* main.c - model: run seeds, print figures; or show one seed event by event.
 *
 *     model --seeds FROM COUNT [--ledger on|off|mixed] [--break NAME]
 *     model --trace SEED       [--ledger on|off|mixed] [--break NAME]
 *     model --breaks COUNT     plant every break; each must be caught within COUNT seeds
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/world.h"

static const char *const ledgers[] = { "off", "on", "mixed" };

typedef struct {
    uint64_t from;
    uint64_t count;
    uint64_t breaks;
    int ledger;
    break_t broken;
    bool trace;
    bool seeds;
} task_t;

static world_t world;

/* --- figures --- */

static void
print_figures(const figures_t *f)
{
    printf("seeds %" PRIu64 ", events %" PRIu64 ", jobs %" PRIu64 ", steps %" PRIu64 "\n", f->seeds,
           f->events, f->jobs, f->steps);
    printf("ended:");
    for (int i = 0; i < JOB_STATES; i++) {
        if (f->ends[i])
            printf(" %s %" PRIu64, job_state_word((job_state_t)i), f->ends[i]);
    }
    printf("\nfaults:");
    for (int i = 0; i < FAULTS; i++)
        printf(" %s %" PRIu64, fault_name((fault_t)i), f->faults[i]);
    printf("\nthe source said:");
    for (int i = 0; i < FATE_KINDS; i++)
        printf(" %s %" PRIu64, judge_fate_word((fate_kind_t)i), f->fates[i]);
    printf("\nin-doubt commits met %" PRIu64 ", unknown %" PRIu64
           ", dropped by the source itself %" PRIu64 ", effects lost %" PRIu64
           ", duplicated %" PRIu64 "\n",
           f->in_doubt, f->ends[JOB_UNKNOWN], f->dropped, f->lost, f->duplicated);
}

static void
print_broken(const task_t *task)
{
    printf("seed %" PRIu64 ": broken after %u events: %s\n    %s\n", world.seed, world.events,
           world.claim, world.story);
    printf("    replay: model --trace %" PRIu64 " --ledger %s", world.seed, ledgers[task->ledger]);
    if (task->broken)
        printf(" --break %s", break_name(task->broken));
    printf("\n");
}

/* --- tasks --- */

/* Run them until one fails; true: none did. */
static bool
run_seeds(const task_t *task, figures_t *figures)
{
    for (uint64_t i = 0; i < task->count; i++) {
        world.trace = task->trace;
        world_init(&world, task->from + i, task->ledger, task->broken, figures);
        if (!seed_run(&world)) {
            print_broken(task);
            return false;
        }
    }
    return true;
}

/* Every planted break must be caught: a checker that cannot fail proves nothing. */
static bool
run_breaks(const task_t *task)
{
    int caught = 0;
    for (int b = BREAK_none + 1; b < BREAKS; b++) {
        figures_t figures = { 0 };
        task_t plant = *task;
        plant.count = task->breaks;
        plant.broken = (break_t)b;
        printf("-- %s: %s\n", break_name(plant.broken), break_story(plant.broken));
        if (run_seeds(&plant, &figures))
            printf("NOT CAUGHT in %" PRIu64 " seeds\n", figures.seeds);
        else
            caught++;
    }
    printf("breaks planted %d, caught %d\n", BREAKS - 1, caught);
    return caught == BREAKS - 1;
}

/* --- the command line --- */

static int
usage(void)
{
    fprintf(stderr, "usage: model --seeds FROM COUNT | --trace SEED | --breaks COUNT"
                    " [--ledger on|off|mixed] [--break NAME]\nbreaks:\n");
    for (int b = BREAK_none + 1; b < BREAKS; b++)
        fprintf(stderr, "    %-16s %s\n", break_name((break_t)b), break_story((break_t)b));
    return 2;
}

static bool
parse_ledger(const char *word, int *ledger)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, ledgers[i]) == 0) {
            *ledger = i;
            return true;
        }
    }
    return false;
}

static bool
parse_break(const char *word, break_t *broken)
{
    for (int b = 0; b < BREAKS; b++) {
        if (strcmp(word, break_name((break_t)b)) == 0) {
            *broken = (break_t)b;
            return true;
        }
    }
    return false;
}

static bool
parse(int argc, char **argv, task_t *task)
{
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        const char *value = i + 1 < argc ? argv[++i] : "";
        if (strcmp(option, "--seeds") == 0 && i + 1 < argc) {
            task->from = strtoull(value, NULL, 10);
            task->count = strtoull(argv[++i], NULL, 10);
            task->seeds = task->count > 0;
        } else if (strcmp(option, "--trace") == 0) {
            task->from = strtoull(value, NULL, 10);
            task->count = 1;
            task->trace = task->seeds = true;
        } else if (strcmp(option, "--breaks") == 0) {
            task->breaks = strtoull(value, NULL, 10);
        } else if (strcmp(option, "--ledger") == 0) {
            if (!parse_ledger(value, &task->ledger))
                return false;
        } else if (strcmp(option, "--break") == 0) {
            if (!parse_break(value, &task->broken))
                return false;
        } else {
            return false;
        }
    }
    return task->seeds || task->breaks > 0;
}

int
main(int argc, char **argv)
{
    task_t task = { .from = 1, .ledger = 2 };
    if (!parse(argc, argv, &task))
        return usage();
    if (task.breaks > 0)
        return run_breaks(&task) ? 0 : 1;
    figures_t figures = { 0 };
    bool held = run_seeds(&task, &figures);
    print_figures(&figures);
    printf("%s\n", held ? "every claim held" : "a claim was broken");
    return held ? 0 : 1;
}
