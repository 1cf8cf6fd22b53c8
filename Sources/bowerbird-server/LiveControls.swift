import Logging
import Metrics
import RPC
import Services
import Settings

/// What of a running server follows its settings.
struct LiveControls {
    private let log: AccessLog
    private let slowLog: SlowCallLog
    private let admission: AdmissionControl
    private let rates: RateLimits
    private let logControl: LogControl

    init(
        _ settings: ServerSettings.LiveSettings,
        _ logControl: LogControl,
        _ metrics: Metrics.Registry
    ) {
        self.logControl = logControl
        log = AccessLog(logger: Logger(label: Subsystem.access.label), level: .info)
        slowLog = SlowCallLog(logger: Logger(label: Subsystem.slow.label), metrics: metrics)
        admission = AdmissionControl { code, message, retryMS in
            StatusMapping.refusal(code, message, retryMS: retryMS)
        }
        rates = RateLimits { message, retryMS in
            StatusMapping.refusal(.resourceExhausted, message, retryMS: retryMS)
        }
        apply(settings)
    }

    func apply(_ settings: ServerSettings.LiveSettings) {
        logControl.set(settings.logFormat, settings.logLevels)
        log.set(isOn: settings.logsCalls)
        slowLog.set(thresholdMS: settings.slowCallMS)
        admission.set(
            callsMax: settings.callsInFlightMax,
            callsPerAddressMax: settings.callsPerAddressMax,
            overloadDelayMS: settings.overloadDelayMS
        )
        rates.set(callerRate: settings.tokenRateMax, groupRate: settings.groupRateMax)
    }

    /// What runs around every call, the outermost first.
    func interceptors(
        _ router: Router,
        _ settings: ServerSettings,
        _ rules: AccessRules?,
        _ groupOfTracker: @escaping MethodAccessTable.GroupOfTracker,
        _ metrics: Metrics.Registry
    ) -> [any Interceptor] {
        let table = MethodAccessTable(
            health: settings.healthAccess,
            reflection: settings.reflectionAccess,
            group: groupOfTracker
        )
        let access = AccessControl(
            rules: rules,
            access: table.access,
            router: router,
            logger: Logger(label: Subsystem.audit.label),
            metrics: metrics,
            readsEveryName: { [rates] in rates.needsGroups },
            refuse: { StatusMapping.refusal($0, $1) }
        )
        metrics.reading("bowerbird_calls_shed_total", "Calls that were refused for the load.") {
            [admission] in Double(admission.callsRefused)
        }
        return [log, slowLog, CallMetrics(metrics, router: router), admission, access, rates]
    }
}
